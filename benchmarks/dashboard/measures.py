"""What is measured, as lines of the table: of swept's page, then of the pages beside it."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.dashboard import ours, peers, study
from benchmarks.dashboard.browser import HEIGHT, opened
from benchmarks.dashboard.figures import Figure
from benchmarks.dashboard.hidden import hidden_tab
from benchmarks.dashboard.ours import Answered, Paint
from benchmarks.dashboard.server import serving
from benchmarks.dashboard.study import Study
from playwright.sync_api import Page, Playwright

from swept.connect import running

SECOND = 1000.0
HIPLOT = Path(__file__).parents[2] / ".venvs/bench-dashboard-hiplot/bin/python"


@dataclass
class Bench:
    """How it is measured, and what all loads of swept's page showed."""

    playwright: Playwright
    folder: Path
    repeat: int
    chromium: str = ""
    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def load(self) -> None:
        self.loads.append(os.getloadavg()[0])

    def paint(self, address: str, height: int = HEIGHT) -> Paint:
        with opened(self.playwright, height=height) as load:
            self.chromium = load.version
            found = ours.paint(load, address)
            load.page.wait_for_timeout(500)
            self.elsewhere += load.elsewhere()
            self.errors += load.errors
        return found

    def settled(self, address: str, measure: Callable[[Page], list[Answered]]) -> list[Answered]:
        with opened(self.playwright) as load:
            found = measure(ours.settled(load, address))
            self.elsewhere += load.elsewhere()
            self.errors += load.errors
        return found

    def modelled(self, address: str) -> None:
        """Loads the page, and waits for the model of the runs, which the server makes once in another process: it would take
        a processor from what is measured."""
        with opened(self.playwright) as load:
            ours.settled(load, address)
            load.page.evaluate(ours.MODELLED)


# -- swept ----------------------------------------------------------------------------------------


def paints(bench: Bench, one: Study, limit: float) -> list[Figure]:
    fresh = []
    for _ in range(bench.repeat):
        with serving(one) as url:
            fresh.append(bench.paint(ours.page_of(url, one)))
    with serving(one) as url:
        address = ours.page_of(url, one)
        bench.modelled(address)
        bench.load()
        known = [bench.paint(address) for _ in range(bench.repeat)]
        tall = [bench.paint(address, ours.TALL) for _ in range(bench.repeat)]
    what = f"{one.runs:,} runs, page loaded"
    return [
        Figure(f"{what}: lines in both charts, rows in the table", _seconds(known, False), "s"),
        Figure(f"{what}: the same, every line drawn", _seconds(known, True), "s", limit),
        Figure(f"{what}: the same, on a screen as long as the page", _seconds(tall, True), "s"),
        Figure(
            f"{what}: every line drawn, of a server that has just been started",
            _seconds(fresh, True),
            "s",
            limit,
        ),
    ]


def interaction(bench: Bench, one: Study, brushed: float, hovered: float | None) -> list[Figure]:
    with serving(one) as url:
        address = ours.page_of(url, one)
        bench.modelled(address)
        bench.load()
        brush = [bench.settled(address, ours.brush) for _ in range(bench.repeat)]
        parallel = [bench.settled(address, ours.hover_parallel) for _ in range(bench.repeat)]
        curves = [bench.settled(address, ours.hover_curves) for _ in range(bench.repeat)]
    runs = f"{one.runs:,} runs"
    return [
        Figure(f"{runs}, brush: the next frame", _medians(brush, "frame"), "ms"),
        Figure(
            f"{runs}, brush: all panels on the screen filtered",
            _medians(brush, "done"),
            "ms",
            brushed,
        ),
        Figure(
            f"{runs}, hover in the parallel coordinates", _medians(parallel, "done"), "ms", hovered
        ),
        Figure(f"{runs}, hover in the learning curves", _medians(curves, "done"), "ms", hovered),
    ]


def scripts(bench: Bench, one: Study) -> list[Figure]:
    with serving(one) as url, opened(bench.playwright) as load:
        size = ours.scripts(load, ours.page_of(url, one))
    return [Figure("JavaScript of a sweep's page, gzip", [size / 1000], "kB", 120)]


def live(bench: Bench, one: Study) -> list[Figure]:
    with serving(one) as url, _client(one) as client:
        address = ours.page_of(url, one)
        bench.modelled(address)
        bench.load()
        training = ours.Training(client, one)
        with opened(bench.playwright) as load:
            page = ours.settled(load, address)
            seen = [ours.arrival(page, training) for _ in range(bench.repeat)]
        with hidden_tab(address) as tab:
            hidden = [ours.arrival_hidden(tab, training) for _ in range(bench.repeat)]
            shown = tab.show()
    return [
        Figure(f"{one.runs:,} runs, a new value: in the table, a frame made", seen, "ms", 1000),
        Figure(f"{one.runs:,} runs, a new value: in the table of a hidden tab", hidden, "ms", 1000),
        Figure("that tab in front again: its first frame", [shown], "ms"),
    ]


def report(bench: Bench, one: Study) -> list[Figure]:
    # By a server that ends before the file is opened: the one that `swept report` starts where there is none stays, and makes
    # its model of the runs in the meantime.
    with serving(one):
        file = _report_file(bench, one)
    bench.load()
    found = [bench.paint(file.as_uri()) for _ in range(bench.repeat)]
    return [
        Figure(f"report of {one.runs:,} runs, its file", [file.stat().st_size / 1000], "kB", 500),
        Figure("the same: lines in both charts, rows in the table", _seconds(found, False), "s"),
        Figure("the same: every line drawn", _seconds(found, True), "s", 0.6),
    ]


def accessible(bench: Bench, one: Study) -> list[Figure]:
    first, second = (f"{one.sweep}-{number}" for number in (3, 5))
    with serving(one) as url:
        addresses = [
            url + path
            for path in (
                "/",
                f"/sweeps/{one.sweep}",
                f"/runs/{first}",
                f"/compare?runs={first},{second}",
            )
        ]
        addresses.append(_report_file(bench, one).as_uri())
        light = ours.grave(bench.playwright, addresses, "light")
        dark = ours.grave(bench.playwright, addresses, "dark")
    bench.errors += light + dark
    return [
        Figure("axe: serious or critical, light", [len(light)], "", 0),
        Figure("axe: serious or critical, dark", [len(dark)], "", 0),
    ]


def elsewhere(bench: Bench) -> list[Figure]:
    return [Figure("requests to anywhere else, all loads", [len(bench.elsewhere)], "", 0)]


def _report_file(bench: Bench, one: Study) -> Path:
    file = bench.folder / f"report-{one.runs}.html"
    if not file.exists():
        ours.write_report(one, file)
    return file


def _client(one: Study) -> ours.Client:
    client = running(one.home)
    if client is None:
        raise SystemExit("the server is gone")
    return client


# -- beside it ------------------------------------------------------------------------------------


def optuna(bench: Bench, one: Study) -> list[Figure]:
    url = f"sqlite:///{bench.folder / 'optuna.db'}"
    peers.optuna_study(url, study.recorded(one))
    history, curves = [], []
    with peers.optuna_dashboard(url) as address:
        bench.load()
        for _ in range(bench.repeat):
            with opened(bench.playwright) as load:
                load.page.goto(address + peers.OPTUNA_PAGE, wait_until="commit")
                history.append(load.page.evaluate(f"watch.when({peers.optuna_history(one.runs)})"))
                curves.append(load.page.evaluate(f"watch.when({peers.optuna_curves(one.runs)})"))
        with opened(bench.playwright) as load:
            load.page.goto(address + peers.OPTUNA_PAGE)
            load.page.evaluate(f"watch.when({peers.optuna_curves(one.runs)})")
            size = ours.script_bytes(load.page)
    runs = f"optuna-dashboard, {one.runs:,} trials, page loaded"
    return [
        Figure(f"{runs}: a point each in the history", [one / SECOND for one in history], "s"),
        Figure(f"{runs}: a curve each, below it", [one / SECOND for one in curves], "s"),
        Figure("its JavaScript, gzip", [size / 1000], "kB"),
    ]


def hiplot_there() -> bool:
    return any(HIPLOT.parents[1].glob("lib/*/site-packages/hiplot"))


def hiplot(bench: Bench, one: Study) -> list[Figure]:
    if not hiplot_there():
        return []
    file = bench.folder / f"hiplot-{one.runs}.html"
    peers.hiplot_file(HIPLOT, study.recorded(one), file)
    seen, brush = [], []
    for _ in range(bench.repeat):
        with opened(bench.playwright) as load:
            load.page.goto(file.as_uri(), wait_until="commit")
            seen.append(load.page.evaluate(f"watch.when({peers.hiplot_lines(one.runs)})"))
            load.page.wait_for_timeout(ours.SETTLED_MS)
            brush.append(ours.drag(load.page, peers.HIPLOT_AXIS, "() => true"))
    runs = f"HiPlot's file, {one.runs:,} runs without curves"
    return [
        Figure(f"{runs}: its size", [file.stat().st_size / 1000], "kB"),
        Figure(f"{runs}: first lines, rows in the table", [one / SECOND for one in seen], "s"),
        Figure(f"{runs}, brush: the next frame", _medians(brush, "frame"), "ms"),
    ]


def _seconds(found: Sequence[Paint], whole: bool) -> list[float]:
    return [(one.whole if whole else one.useful) / SECOND for one in found]


def _medians(found: Sequence[Sequence[Answered]], part: str) -> list[float]:
    """Of each browser, the median of its events."""
    return [statistics.median(getattr(one, part) for one in events) for events in found]
