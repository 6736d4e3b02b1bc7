"""The page as it is served: its parts, their types and how long they may be kept, and what it is allowed to load."""

from __future__ import annotations

import gzip
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import in_memory

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
FIRST_PAGE_BYTES = 120_000
ADDRESSES = (
    "/",
    "/compare",
    "/sweeps/x",
    "/runs/x",
    "/projects/cones",
    "/local/cones",
    "/local/cones/workspace",
    "/local/cones/runs/x",
    "/local/cones/runs/x/files/media/table",
    "/local/cones/sweeps/x",
    "/local/cones/artifacts/model/net/v3",
)


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    store = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    with in_memory(store, FakeClock(), tmp_path / "files").http() as client:
        yield client
    store.close()


AHEAD = r'<link rel="preload" as="fetch" crossorigin href="([^"]*)">'


def parts(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/[^"]*)"', re.sub(AHEAD, "", page))


def test_every_address_shows_the_same_page(http: httpx.Client) -> None:
    pages = {re.sub(AHEAD, "", http.get(address).text) for address in ADDRESSES}
    assert len(pages) == 1
    assert parts(pages.pop())


@pytest.mark.parametrize(
    "address", ["/sweeps/x", "/local/cones/sweeps/x", "/local/c/sweeps/x/table"]
)
def test_what_a_sweeps_page_asks_first_comes_with_it(http: httpx.Client, address: str) -> None:
    ahead = re.findall(AHEAD, http.get(address, headers={"X-Forwarded-Prefix": "/p"}).text)
    assert ahead == ["/p/api/sweeps/x/board", "/p/api/sweeps/x/curves"]
    assert len(re.findall(AHEAD, http.get(f"{address}?metric=loss").text)) == 1


@pytest.mark.parametrize("id", ["%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "a%26b", "a%20b"])
def test_a_hostile_id_stays_an_address(http: httpx.Client, id: str) -> None:
    page = http.get(f"/sweeps/{id}").text
    assert "<script>alert" not in page
    assert re.findall(AHEAD, page)[0] == f"/api/sweeps/{id.partition('%2F')[0]}/board"


def test_parts_have_their_types_and_are_kept_for_ever(http: httpx.Client) -> None:
    for part in parts(http.get("/").text):
        answer = http.get(part)
        assert answer.status_code == 200
        kind = "text/javascript" if part.endswith(".js") else "text/css"
        assert answer.headers["Content-Type"].startswith(kind)
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert http.get("/").headers["Cache-Control"] == "no-cache"


def test_the_first_page_is_small(http: httpx.Client) -> None:
    scripts = [part for part in parts(http.get("/").text) if part.endswith(".js")]
    assert scripts
    total = sum(len(gzip.compress(http.get(script).content)) for script in scripts)
    assert total <= FIRST_PAGE_BYTES


def test_nothing_is_loaded_from_elsewhere(http: httpx.Client) -> None:
    answer = http.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "//" not in "".join(parts(answer.text))
    for part in parts(answer.text):
        text = http.get(part).text
        # Names of XML's kinds are no addresses that anything is asked of.
        assert set(re.findall(r"https?://[a-z0-9.-]+", text)) <= {"http://www.w3.org"}


def test_below_a_prefix_every_address_has_it(http: httpx.Client) -> None:
    page = http.get("/sweeps/x", headers={"X-Forwarded-Prefix": "/below/it"}).text
    assert 'data-root="/below/it"' in page
    assert parts(page)
    assert all(part.startswith("/below/it/static/app/") for part in parts(page))
    docs = http.get("/api/docs", headers={"X-Forwarded-Prefix": "/p"}).text
    addresses = re.findall(r'(?:href|src)="(/[^"]*)"', docs)
    assert addresses
    assert all(address.startswith("/p/") for address in addresses)


@pytest.mark.parametrize("prefix", ['/"><script>alert(1)</script>', "/a b", "/a' b"])
def test_a_hostile_prefix_stays_an_address(http: httpx.Client, prefix: str) -> None:
    page = http.get("/", headers={"X-Forwarded-Prefix": prefix}).text
    assert "<script>alert" not in page
    assert page.count("<script") == http.get("/").text.count("<script")


@pytest.mark.parametrize(
    "name",
    [
        "app",
        "app/",
        "app/..%2F..%2Fpage.py",
        "app/assets/none.js",
        "app/sources.sha256",
        "nothing.css",
    ],
)
def test_only_the_pages_own_parts_are_served(http: httpx.Client, name: str) -> None:
    assert http.get(f"/static/{name}").status_code == 404


def test_the_pages_types_are_the_servers() -> None:
    """`make types` writes dashboard/openapi.json; dashboard/src/api.test.ts holds the types to it."""
    schema = runpy.run_path(str(DASHBOARD / "schema.py"))["schema"]()
    assert json.loads((DASHBOARD / "openapi.json").read_text()) == schema
