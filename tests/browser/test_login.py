"""Who may change something, who may read, and that no other site can do it for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.stage import Stage
from tests.browser.test_live import live
from tests.browser.watched import Toasts, Watched

from swept.clock import SystemClock
from swept.store.sql import open_store
from swept.testing.server import KEY, Served, in_memory, over_http
from swept.testing.site import Site


def log_in(page: Page, stage: Stage, path: str = "/") -> None:
    page.goto(stage.client.url + stage.client.login_link(path)["path"])


def test_who_is_not_logged_in_is_told_how(watched: Watched, stage: Stage) -> None:
    sweep = stage.sweep(name="guarded")
    stage.begin(sweep)
    page = watched.page(f"/sweeps/{sweep}")
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Not logged in")
    expect(dialog).to_contain_text("swept dashboard")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    assert stage.client.sweep(sweep)["state"] == "running"


def test_a_link_logs_in_and_buttons_work(watched: Watched, stage: Stage) -> None:
    sweep = stage.sweep(name="steered")
    part = stage.begin(sweep)
    part.train(2)
    context = watched.context()
    page = context.new_page()
    log_in(page, stage, f"/sweeps/{sweep}")
    expect(page).to_have_url(f"{watched.url}/sweeps/{sweep}")
    head = page.get_by_role("region", name="Overview")
    toasts = Toasts(page)
    page.get_by_role("button", name="Pause").click()
    toasts.expect("no new runs are started")
    expect(head.locator(".state")).to_have_text("paused")
    assert stage.client.sweep(sweep)["state"] == "paused"
    page.get_by_role("button", name="Resume").click()
    expect(head.locator(".state")).to_have_text("running")
    assert stage.client.sweep(sweep)["state"] == "running"
    page.get_by_role("grid", name="Runs").get_by_role("link").first.click()
    page.get_by_role("button", name="Stop").click()
    toasts.expect("It is asked to stop.")
    expect(page.get_by_text("It was asked to stop")).to_be_visible()
    assert stage.client.run(part.run)["desired"] == "stop"
    part.end("stopped", "a person stopped it")
    page.get_by_role("button", name="Try again").click()
    expect(page).not_to_have_url(re.compile(part.run))
    expect(page.get_by_role("main").locator(".state").first).to_have_text("pending")
    page.goto(f"{watched.url}/sweeps/{sweep}")
    page.get_by_role("button", name="Cancel").click()
    expect(head.locator(".state")).to_have_text("cancelled")


def test_a_session_that_begins_elsewhere_is_taken_up(watched: Watched, stage: Stage) -> None:
    """The page stays; the link is followed in another tab."""
    sweep = stage.sweep(name="two tabs")
    stage.begin(sweep)
    context = watched.context()
    page = context.new_page()
    page.goto(f"{watched.url}/sweeps/{sweep}")
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Not logged in")
    expect(dialog).to_be_visible()
    other = context.new_page()
    log_in(other, stage)
    dialog.get_by_role("button", name="I am logged in now").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_browser_logs_out_and_may_change_nothing_any_more(watched: Watched, stage: Stage) -> None:
    sweep = stage.sweep(name="left")
    stage.begin(sweep)
    page = watched.context().new_page()
    log_in(page, stage, f"/sweeps/{sweep}")
    page.get_by_role("button", name="Log out").wait_for()
    toasts = Toasts(page)
    page.get_by_role("button", name="Log out").click()
    toasts.expect("This browser is logged out.")
    assert page.context.cookies() == []
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Not logged in")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Log in").click()
    expect(dialog).to_contain_text("swept dashboard")
    assert stage.client.sweep(sweep)["state"] == "running"


def test_a_link_works_once_and_leaves_no_key(watched: Watched, stage: Stage, site: Site) -> None:
    link = watched.url + stage.client.login_link("/")["path"]
    context = watched.context()
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Sweeps", exact=True)).to_be_visible()
    (cookie,) = context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    key = site.home.key()
    for place in (cookie["value"], page.content(), page.url):
        assert key not in place
    watched.allowed.append(r"401 \(Unauthorized\)")
    other = watched.context().new_page()
    other.goto(link)
    expect(other.get_by_role("heading", level=1)).to_contain_text("does not log in any more")
    expect(other.locator("body")).to_contain_text("swept dashboard")


ATTACKS = {
    "fetch": """url => fetch(url, {method: "POST", credentials: "include", mode: "no-cors",
        headers: {"Content-Type": "text/plain"}, body: '{"state": "paused"}'}).then(() => 0, () => 0)""",
    "fetch with our header": """url => fetch(url, {method: "POST", credentials: "include",
        headers: {"Content-Type": "application/json", "X-Swept": "page"}, body: '{"state": "paused"}'})
        .then(() => 0, () => 0)""",
    "form": """url => {
        const form = document.createElement("form");
        Object.assign(form, {method: "post", action: url, enctype: "text/plain"});
        const field = document.createElement("input");
        Object.assign(field, {name: '{"state": "paused", "reason": "', value: '"}'});
        form.append(field);
        document.body.append(form);
        form.submit();
    }""",
}


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9", "http://evil.example"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_another_sites_page_changes_nothing(
    browser: Browser, stage: Stage, origin: str, attack: str
) -> None:
    """Another port of this machine is another origin, but the same site: a strict cookie comes along."""
    sweep = stage.sweep(name="attacked")
    watched = Watched(browser, stage.client.url)
    context = watched.context()
    page = context.new_page()
    log_in(page, stage)
    expect(page.get_by_role("heading", name="Sweeps", exact=True)).to_be_visible()
    answered: list[int] = []
    page.on(
        "response", lambda answer: answered.append(answer.status) if "state" in answer.url else None
    )

    def foreign(route: Route) -> None:
        route.fulfill(content_type="text/html", body="<!doctype html><body>attack")

    context.route(f"{origin}/**", foreign)
    page.goto(f"{origin}/")
    page.evaluate(ATTACKS[attack], f"{watched.url}/api/sweeps/{sweep}/state")
    if attack == "form":
        page.wait_for_url(f"{watched.url}/**")
    watched.close()
    assert all(status >= 400 for status in answered), answered
    assert stage.client.sweep(sweep)["state"] != "paused"


@pytest.fixture
def team(browser: Browser, tmp_path: Path) -> Iterator[tuple[Served, Watched]]:
    """A server as `--host 0.0.0.0` makes it: reading needs to know who."""
    store = open_store(f"sqlite:///{tmp_path}/swept.db")
    made = in_memory(store, SystemClock(), tmp_path / "files", open_reading=False)
    with over_http(made) as served:
        watched = Watched(browser, served.url)
        yield served, watched
        watched.close()
        assert watched.problems() == []
    store.close()


def test_a_team_server_is_read_by_who_is_logged_in(
    team: tuple[Served, Watched], tmp_path: Path
) -> None:
    served, watched = team
    watched.allowed.append(r"401 \(Unauthorized\)")
    page = watched.page("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This server wants to know who reads")
    expect(page.locator("body")).to_contain_text("swept dashboard")
    with served.client() as client:
        stage = Stage(client, tmp_path)
        sweep = stage.sweep(name="of the team")
        part = stage.begin(sweep)
        log_in(page, stage, f"/sweeps/{sweep}")
        expect(page.get_by_role("heading", name="of the team", level=1)).to_be_visible()
        expect(live(page)).to_have_text("live")
        part.log(1, {"val/map": 0.375})
        expect(page.get_by_role("region", name="Overview")).to_contain_text("0.375")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "This server wants to know who reads"
        )
    assert KEY not in page.content()
    assert not any(KEY in url for url in watched.requests)
