"""What happens is on the screen without a reload, also after the server was away."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from tests.browser.stage import Part, Stage
from tests.browser.test_views import rows_of
from tests.browser.watched import Watched

from swept.testing.site import Site, until


def live(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("status")


def open_sweep(watched: Watched, sweep: str) -> Page:
    page = watched.page(f"/sweeps/{sweep}")
    expect(live(page)).to_have_text("live")
    return page


def curves(page: Page) -> Locator:
    return page.get_by_role("group", name="Learning curves of")


def test_a_point_is_on_the_sweeps_page(watched: Watched, stage: Stage) -> None:
    sweep = stage.sweep(name="live")
    part = stage.begin(sweep)
    part.log(1, {"val/map": 0.125})
    page = open_sweep(watched, sweep)
    expect(curves(page)).to_contain_text("comes to 0.125 at step 1")
    part.log(2, {"val/map": 0.625})
    expect(curves(page)).to_contain_text("comes to 0.625 at step 2")
    expect(page.get_by_role("region", name="Overview")).to_contain_text("0.625")
    other = stage.begin(sweep)
    expect(rows_of(page)).to_have_count(3)
    other.log(1, {"val/map": 0.75})
    expect(page.get_by_role("region", name="Overview")).to_contain_text("0.75")
    other.end()
    row = rows_of(page).filter(has_text=other.name)
    expect(row).to_contain_text("finished")
    stage.client.set_state(sweep, "finished")
    expect(page.get_by_role("region", name="Overview")).to_contain_text("finished")


def test_rows_and_lines_are_on_the_runs_page(watched: Watched, stage: Stage) -> None:
    part = stage.by_hand("live", "live", {})
    part.log(1, {"loss": 4.0})
    page = watched.page(f"/runs/{part.run}")
    card = page.get_by_role("group", name="loss", exact=True).first
    expect(card.get_by_role("button", name="loss 4")).to_be_visible()
    part.log(2, {"loss": 3.5, "new": 1.0})
    expect(card.get_by_role("button", name="loss 3.5")).to_be_visible()
    expect(page.get_by_role("group", name="new", exact=True).first).to_be_visible()
    page.get_by_role("tab", name="Console").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("It has printed nothing")
    part.print("epoch 1", "epoch 2")
    expect(page.get_by_role("log")).to_contain_text("epoch 2")
    part.end()
    expect(page.get_by_role("main").locator(".state").first).to_have_text("finished")


def test_figures_of_the_machine_are_on_the_runs_page(watched: Watched, stage: Stage) -> None:
    part = stage.by_hand("live", "machine", {})
    page = watched.page(f"/runs/{part.run}?tab=system")
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("No figures of the machine")
    part.measured(
        {"time": 100.0, "metrics": {"system.gpu.0.powerWatts": 250.0}},
        {"time": 115.0, "metrics": {"system.gpu.0.powerWatts": 270.0}},
    )
    expect(panel.get_by_role("group", name="power, W").first).to_be_visible()
    part.measured({"time": 130.0, "metrics": {"system.proc.cpu.percent": 250.0}})
    expect(panel.get_by_role("group", name="the program, % of one core").first).to_be_visible()
    part.end()


def test_the_list_of_sweeps_follows(watched: Watched, stage: Stage) -> None:
    page = watched.page("/")
    expect(live(page)).to_have_text("live")
    sweep = stage.sweep(name="a new one")
    row = page.get_by_role("row").filter(has=page.locator(f'a[href="/sweeps/{sweep}"]'))
    expect(row).to_contain_text("0 of 40 ended")
    part = stage.begin(sweep)
    part.train()
    part.end()
    expect(row).to_contain_text("1 of 40 ended")


def test_two_tabs_share_one_stream(watched: Watched, stage: Stage) -> None:
    sweep = stage.sweep(name="tabs")
    part = stage.begin(sweep)
    part.log(1, {"val/map": 0.125})
    context = watched.context()
    pages = [context.new_page() for _ in range(3)]
    for page in pages:
        page.goto(f"{watched.url}/sweeps/{sweep}")
        expect(curves(page)).to_contain_text("at step 1")
        expect(live(page)).to_have_text("live")
    streams = [url for url in watched.requests if "/api/events" in url]
    assert len(streams) == 1
    part.log(2, {"val/map": 0.25})
    for page in pages:
        expect(curves(page)).to_contain_text("at step 2")
    pages[0].close()
    for step, page in enumerate(pages[1:], start=3):
        part.log(step, {"val/map": 0.25})
        expect(curves(page)).to_contain_text(f"at step {step}")


def test_a_frozen_tab_catches_up(watched: Watched, stage: Stage) -> None:
    """As browsers do with tabs that nobody looks at. Raw, since Playwright keeps each page awake."""
    sweep = stage.sweep(name="frozen")
    part = stage.begin(sweep)
    part.log(1, {"val/map": 0.125})
    page = open_sweep(watched, sweep)
    expect(curves(page)).to_contain_text("at step 1")
    raw = page.context.new_cdp_session(page)
    raw.send("Page.setWebLifecycleState", {"state": "frozen"})
    for step in (2, 3, 4):
        part.log(step, {"val/map": 0.125 * step})
    newcomer = stage.begin(sweep)
    raw.send("Page.setWebLifecycleState", {"state": "active"})
    expect(curves(page)).to_contain_text("comes to 0.5 at step 4")
    expect(rows_of(page).filter(has_text=newcomer.name)).to_be_visible()
    raw.detach()


def steps_in_table(page: Page) -> list[str]:
    return page.get_by_role("tabpanel").locator("tbody tr td:first-child").all_inner_texts()


def test_after_a_restart_nothing_is_missing_and_nothing_twice(
    watched: Watched, stage: Stage, site: Site
) -> None:
    watched.allowed += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "502", "503"]
    watched.allowed += ["ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_CONTENT_LENGTH_MISMATCH"]
    sweep = stage.sweep(name="restarted")
    parts = [stage.begin(sweep) for _ in range(2)]
    for part in parts:
        log_steps(part, 1, 3)
    page = open_sweep(watched, sweep)
    expect(curves(page)).to_contain_text("at step 3")
    run = watched.page(f"/runs/{parts[0].run}")
    run.get_by_role("button", name="val/map as a table").click()
    expect(run.get_by_role("tabpanel").locator("tbody tr")).to_have_count(3)
    url = watched.url
    site.kill_server()
    for one in (page, run):
        expect(live(one)).to_have_text(re.compile("reconnecting|no server"))
    expect(page.get_by_role("alert").filter(has_text="any swept command")).to_be_visible()
    site.start_server()
    with site.client() as client:
        assert client.url == url, "the folder keeps its port"
        for part in parts:
            part.client = client
            log_steps(part, 4, 9)
    newcomer = stage.begin(sweep)
    for one in (page, run):
        expect(live(one)).to_have_text("live")
    expect(curves(page)).to_contain_text("at step 9")
    expect(rows_of(page)).to_have_count(4)
    expect(rows_of(page).filter(has_text=newcomer.name)).to_be_visible()
    expect(run.get_by_role("tabpanel").locator("tbody tr")).to_have_count(9)
    assert steps_in_table(run) == [str(step) for step in range(1, 10)]
    anew = open_sweep(watched, sweep)
    expect(curves(anew)).to_contain_text("at step 9")
    until(lambda: picture(page) == picture(anew) != "", "both show the same lines")


def log_steps(part: Part, first: int, last: int) -> None:
    for step in range(first, last + 1):
        part.log(step, {"val/map": 0.5 * part.number * (1 - 1 / (1 + step))})


def picture(page: Page) -> str:
    """The lines of the learning curves; "" before there are some."""
    lines = curves(page).locator("canvas").nth(1)
    return str(lines.evaluate("canvas => (canvas.width ? canvas.toDataURL() : '')"))
