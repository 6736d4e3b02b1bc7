"""Logging a browser in: what a link, a cookie and the page that asks are good for, and what they are not."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from swept import home as homes
from swept.cli.main import run
from swept.server.session import LINK_SECONDS, SESSION_SECONDS
from swept.store.base import Store
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import KEY, MEMORY_URL, Served, in_memory, over_http

BOTH = pytest.mark.parametrize("served", [True, False], ids=["loopback", "team"], indirect=True)
SWEEP = """
method: random
program: train.py
metric: {name: loss, goal: minimize}
parameters: {lr: {min: 0.001, max: 0.1}}
"""
OURS = {"Sec-Fetch-Site": "same-origin", "X-Swept": "page"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
WITH_KEY = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db")
    yield opened
    opened.close()


@pytest.fixture
def served(
    request: pytest.FixtureRequest, store: Store, clock: FakeClock, tmp_path: Path
) -> Served:
    """On loopback, unless the test asks for both."""
    return in_memory(store, clock, tmp_path / "files", open_reading=getattr(request, "param", True))


@pytest.fixture
def team(store: Store, clock: FakeClock, tmp_path: Path) -> Served:
    """A server that others than loopback reach: reading needs to know who."""
    return in_memory(store, clock, tmp_path / "files", open_reading=False)


@pytest.fixture
def browser(served: Served) -> Iterator[httpx.Client]:
    with served.http() as http:
        yield http


def sweep_of(served: Served) -> str:
    with served.client() as client:
        return client.create_sweep({"text": SWEEP, "path": "", "mode": "create"})["id"]


def link(served: Served, after: str = "/") -> str:
    with served.client() as client:
        return client.login_link(after)["path"]


def log_in(served: Served, browser: httpx.Client) -> httpx.Response:
    answer = browser.get(link(served))
    assert answer.status_code == 303
    return answer


def pause(browser: httpx.Client, sweep: str, headers: dict[str, str]) -> httpx.Response:
    return browser.post(f"/api/sweeps/{sweep}/state", json={"state": "paused"}, headers=headers)


@BOTH
def test_a_link_logs_a_browser_in_and_the_browser_may_then_read_and_write(
    served: Served, browser: httpx.Client
) -> None:
    sweep = sweep_of(served)
    assert pause(browser, sweep, OURS).status_code == 401
    answer = browser.get(link(served, f"/sweeps/{sweep}"))
    assert answer.headers["Location"] == f"/sweeps/{sweep}"
    assert browser.get("/api/session").json() == {"may_read": True, "may_change": True}
    assert browser.get("/", headers=BROWSER).status_code == 200
    assert browser.get(f"/api/sweeps/{sweep}").status_code == 200
    assert pause(browser, sweep, OURS).json()["state"] == "paused"


@BOTH
def test_who_has_no_session_is_told_what_he_may(served: Served, browser: httpx.Client) -> None:
    told = browser.get("/api/session").json()
    assert told == {"may_read": served.context.settings.open_reading, "may_change": False}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    served: Served, browser: httpx.Client
) -> None:
    cookie = log_in(served, browser).headers["Set-Cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")}
    assert {"httponly", "samesite=strict", "path=/", f"max-age={SESSION_SECONDS}"} <= parts
    assert "secure" not in parts
    assert KEY not in cookie
    assert KEY.removeprefix("local-") not in cookie


def test_behind_a_proxy_the_cookie_is_secure_and_the_prefix_its_own(
    served: Served, browser: httpx.Client
) -> None:
    outer = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/swept"}
    answer = browser.get(link(served, "/sweeps/a"), headers=outer)
    parts = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")}
    assert {"secure", "path=/swept"} <= parts
    assert answer.headers["Location"] == "/swept/sweeps/a"


def test_a_link_works_once(served: Served, browser: httpx.Client) -> None:
    path = link(served)
    assert browser.get(path).status_code == 303
    assert browser.get(path).status_code == 303, "who is logged in already simply goes on"
    with served.http() as other:
        again = other.get(path)
        assert again.status_code == 401
        assert "Set-Cookie" not in again.headers
        assert "swept dashboard" in again.text, "it says what to do"


@pytest.mark.parametrize("token", ["", "?token=", "?token=guess", "?token=%00%ff"])
def test_an_unknown_token_logs_nobody_in(served: Served, browser: httpx.Client, token: str) -> None:
    answer = browser.get(f"/login{token}")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "swept dashboard" in answer.text


def test_a_link_ends_after_its_time(
    served: Served, browser: httpx.Client, clock: FakeClock
) -> None:
    early, late = link(served), link(served)
    clock.advance(LINK_SECONDS - 1)
    assert browser.get(early).status_code == 303
    browser.cookies.clear()
    clock.advance(1)
    assert browser.get(late).status_code == 401


def test_a_session_ends_after_thirty_days(
    served: Served, browser: httpx.Client, clock: FakeClock
) -> None:
    sweep = sweep_of(served)
    log_in(served, browser)
    clock.advance(SESSION_SECONDS - 1)
    assert pause(browser, sweep, OURS).status_code == 200
    clock.advance(1)
    refused = pause(browser, sweep, OURS)
    assert refused.status_code == 401
    assert "swept dashboard" in refused.json()["hint"]


def test_a_session_outlives_a_restart_but_not_another_key(
    team: Served, store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    with team.http() as browser:
        log_in(team, browser)
        cookies = dict(browser.cookies)
    again = in_memory(store, clock, tmp_path / "files", open_reading=False)
    with again.http() as browser:
        browser.cookies.update(cookies)
        assert browser.get("/api/sweeps").status_code == 200
    other = in_memory(store, clock, tmp_path / "files", open_reading=False, key="local-" + "f" * 40)
    with other.http() as browser:
        browser.cookies.update(cookies)
        assert browser.get("/api/sweeps").status_code == 401


def test_a_cookie_that_was_changed_is_none(served: Served, browser: httpx.Client) -> None:
    log_in(served, browser)
    ((name, value),) = browser.cookies.items()
    until, nonce, signature = value.split(".")
    later = str(int(until) + 1)
    for forged in (
        f"{later}.{nonce}.{signature}",
        f"{until}.{nonce}.{'0' * 64}",
        f"{until}.{nonce}.",
        signature,
        "..",
        "x" * 10_000,
    ):
        browser.cookies.clear()
        browser.cookies.set(name, forged)
        assert browser.get("/api/session").json()["may_change"] is False, forged


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Swept": "page"},
        {"Sec-Fetch-Site": "same-origin"},
        {"X-Swept": "page", "Sec-Fetch-Site": "cross-site"},
        {"X-Swept": "page", "Sec-Fetch-Site": "same-site"},
        {"X-Swept": "page", "Sec-Fetch-Site": "none"},
        {"X-Swept": "page", "Sec-Fetch-Site": "cross-site", "Origin": MEMORY_URL},
        {"X-Swept": "page", "Origin": "https://evil.example"},
        {"X-Swept": "page", "Origin": f"{MEMORY_URL}:8888"},
        {"X-Swept": "page", "Origin": "null"},
    ],
)
@BOTH
def test_only_our_own_page_writes_with_a_session(
    served: Served, browser: httpx.Client, headers: dict[str, str]
) -> None:
    sweep = sweep_of(served)
    log_in(served, browser)
    refused = pause(browser, sweep, headers)
    assert refused.status_code == 401
    assert "own page" in refused.json()["message"]
    with served.client() as client:
        assert client.sweep(sweep)["state"] != "paused"


def test_a_browser_that_does_not_say_the_site_is_known_by_the_origin(
    served: Served, browser: httpx.Client
) -> None:
    log_in(served, browser)
    headers = {"X-Swept": "page", "Origin": MEMORY_URL}
    assert pause(browser, sweep_of(served), headers).status_code == 200


def test_a_session_reports_for_no_run_and_makes_no_links_and_speaks_no_wandb(
    served: Served, browser: httpx.Client
) -> None:
    log_in(served, browser)
    reports = {"lease": KEY, "reports": []}
    assert browser.post("/api/runs/x/reports", json=reports, headers=OURS).status_code == 401
    assert browser.post("/api/login-links", json={}, headers=OURS).status_code == 401
    asked = {"query": "query { viewer { id } }", "variables": {}}
    assert browser.post("/graphql", json=asked, headers=OURS).status_code == 401
    assert browser.put("/api/runs/x/files/a.txt", content=b"a", headers=OURS).status_code == 401


def test_logging_out(served: Served, browser: httpx.Client) -> None:
    log_in(served, browser)
    assert browser.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401
    assert browser.get("/api/session").json()["may_change"] is True
    assert browser.post("/logout", headers=OURS).status_code == 200
    assert browser.get("/api/session").json()["may_change"] is False


@pytest.mark.parametrize(
    "after",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "",
        "a",
        "/é",
    ],
)
def test_a_link_leads_nowhere_else(served: Served, browser: httpx.Client, after: str) -> None:
    with served.http() as http:
        made = http.post("/api/login-links", json={"next": after}, headers=WITH_KEY)
    assert made.status_code == 422
    token = re.search(r"token=([\w-]+)", link(served))
    assert token is not None
    answer = browser.get("/login", params={"token": token[1], "next": after})
    assert answer.headers["Location"] == "/"


def test_a_page_that_may_not_be_read_says_what_to_do(team: Served) -> None:
    with team.http() as browser:
        for path in ("/", "/sweeps/x", "/entity/project/runs/x", "/api/docs"):
            refused = browser.get(path, headers=BROWSER)
            assert refused.status_code == 401
            assert refused.headers["Content-Type"].startswith("text/html")
            assert "swept dashboard" in refused.text
            assert "frame-ancestors 'none'" in refused.headers["Content-Security-Policy"]
            assert "WWW-Authenticate" not in refused.headers, "no browser asks for the key"
        data = browser.get("/api/sweeps", headers={"Sec-Fetch-Mode": "cors"})
        assert data.json()["error"] == "Unauthorized"
        assert data.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_comes_from_another_site_is_asked_again_by_our_own_page(team: Served) -> None:
    """Strict cookies do not come along with a link in a mail, nor with a redirect behind one."""
    elsewhere = {**BROWSER, "Sec-Fetch-Site": "cross-site"}
    with team.http() as browser:
        answer = browser.get(link(team, "/sweeps/a"), headers=elsewhere)
        assert "Set-Cookie" in answer.headers
        assert 'content="0;url=/sweeps/a"' in answer.text
        refused = browser.get('/sweeps/"><script>?x="><b>', headers=elsewhere)
        # the cookie of this client came along: a browser would have kept it at home
        assert refused.status_code == 200
        browser.cookies.clear()
        refused = browser.get('/sweeps/"><script>?x="><b>', headers=elsewhere)
        assert refused.status_code == 401
        assert "<script" not in refused.text
        assert "<b>" not in refused.text
        assert 'content="0;url=/"' in browser.get("//evil.example", headers=elsewhere).text


def test_a_rebound_name_still_reads_nothing(served: Served, browser: httpx.Client) -> None:
    assert browser.get("/api/sweeps", headers={"Host": "rebound.example"}).status_code == 401


def test_the_key_makes_links_for_no_attempt(served: Served, browser: httpx.Client) -> None:
    sweep = sweep_of(served)
    with served.client() as client:
        agent = client.start_agent({"host": "one", "pid": 1, "slots": 1, "sweep": sweep})["id"]
        asked = {"agent": agent, "host": "one", "request": "r", "wait": 0.0}
        claimed = client.claim(sweep, {**asked})["claimed"]  # type: ignore[typeddict-item]
    assert claimed is not None
    lease = {"Authorization": f"Bearer {claimed['lease']}"}
    assert browser.post("/api/login-links", json={}, headers=lease).status_code == 401


# -- the commands ---------------------------------------------------------------------------------


@pytest.fixture
def over(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that the commands find."""
    with over_http(served) as reached:
        monkeypatch.setenv("SWEPT_URL", reached.url)
        monkeypatch.setenv("SWEPT_API_KEY", KEY)
        yield reached


def test_swept_dashboard_prints_a_link_to_the_page_that_logs_in(
    over: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = sweep_of(over)
    for arguments, path in (([], "/"), ([sweep], f"/sweeps/{sweep}")):
        assert run(["dashboard", *arguments]) == 0
        out, err = capsys.readouterr()
        assert "once, within 10 minutes" in err
        assert out.startswith(f"{over.url}/login?token=")
        assert out.count("\n") == 1
        with over.http() as browser:
            assert browser.get(out.strip()).headers["Location"] == path
            assert browser.get("/api/session").json()["may_change"] is True


def test_swept_dashboard_knows_the_address_of_a_proxy(
    over: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dashboard", "--address", "https://sweeps.example/swept/"]) == 0
    assert capsys.readouterr().out.startswith("https://sweeps.example/swept/login?token=")


def test_swept_dashboard_of_an_unknown_sweep_gives_no_link(
    over: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dashboard", "nonsense"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "nonsense" in err


@pytest.mark.parametrize("watched", [True, False], ids=["terminal", "log"])
def test_a_server_says_a_link_to_a_person_and_to_no_log(tmp_path: Path, watched: bool) -> None:
    made = homes.make(tmp_path)
    primary, secondary = pty.openpty() if watched else os.pipe()
    source = str(Path(homes.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-m", "swept", "server", "--host", "0.0.0.0"],
        cwd=tmp_path,
        env={**os.environ, "SWEPT_HOME": str(made.path), "PYTHONPATH": source},
        stderr=secondary,
    )
    os.close(secondary)
    try:
        with open(primary, errors="replace") as lines:
            said = ""
            while "a browser needs a link" not in said:
                line = lines.readline()
                assert line, said
                said += line
        assert ("/login?token=" in said) is watched
    finally:
        process.terminate()
        process.wait(60)
