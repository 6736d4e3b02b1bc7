"""Every view shows what the server knows, with its charts drawn, and says what it says where there is nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.conftest import FAILED, RUNS, Cones
from tests.browser.looks import sideways
from tests.browser.stage import SWEEP, Stage
from tests.browser.watched import Watched

from swept.clock import SystemClock
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.server import in_memory, over_http
from swept.testing.site import until

PANELS = ("Learning curves", "History", "One parameter", "Agents and slots", "Parallel coordinates")
ENDED = RUNS - 1

PAINTED = """element => [...element.querySelectorAll("canvas")].some((canvas) => {
  const context = canvas.getContext("2d");
  if (!context || !canvas.width || !canvas.height) return false;
  return context.getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte !== 0);
})"""

COLOUR = "(element) => getComputedStyle(element).borderTopColor"
CUT_OFF = """(element) => {
  const own = element.getBoundingClientRect();
  let most = 0;
  for (let at = element.parentElement; at; at = at.parentElement) {
    if (getComputedStyle(at).overflow === "visible") continue;
    const {left, top, right, bottom} = at.getBoundingClientRect();
    most = Math.max(most, left - own.left, top - own.top, own.right - right, own.bottom - bottom);
  }
  return Math.floor(most);
}"""


def expect_painted(chart: Locator) -> None:
    """Asked of what is there at the time: a panel may be made anew when more is known."""
    chart.scroll_into_view_if_needed()
    until(lambda: chart.evaluate(PAINTED), "it is drawn")


def rows_of(page: Page) -> Locator:
    return page.get_by_role("grid", name="Runs").get_by_role("row")


def test_the_head_says_how_much_of_the_budget_is_used(watched: Watched, stage: Stage) -> None:
    sweep = stage.sweep(name="budget", swept={**SWEEP["swept"], "budget": {"hours": 5}})
    part = stage.begin(sweep)
    part.train()
    part.end()
    page = watched.page(f"/sweeps/{sweep}")
    overview = page.get_by_role("region", name="Overview")
    expect(overview).to_contain_text(re.compile(r"training time[\d.]+ (s|min|h) of 5 h"))
    stage.client.set_state(sweep, "finished")
    expect(overview).not_to_contain_text("time left")
    expect(overview).to_contain_text("of 5 h")


def test_the_sweeps_at_a_glance(watched: Watched, cones: Cones) -> None:
    page = watched.page("/")
    row = page.get_by_role("row").filter(has=page.locator(f'a[href="/sweeps/{cones.sweep}"]'))
    row.scroll_into_view_if_needed()  # what is far below is not drawn yet
    expect(row).to_contain_text("random · maximize val/map")
    expect(row).to_contain_text("running")
    expect(row).to_contain_text(f"{ENDED} of 40 ended")
    bar = row.get_by_role("img").first
    expect(bar).to_have_attribute(
        "aria-label",
        re.compile(rf"{ENDED - len(FAILED)} finished, 1 running, {len(FAILED)} failed"),
    )
    expect(row.get_by_role("img", name=re.compile("best so far of cones"))).to_be_visible()
    outside = page.get_by_role("region", name="Runs outside of sweeps")
    outside.get_by_role("link", name="alone").click()
    expect(page).to_have_url(f"{watched.url}/projects/alone")
    expect(page.get_by_role("heading", name="Runs in alone")).to_be_visible()
    expect(rows_of(page)).to_have_count(2)
    page.get_by_role("link", name="swept", exact=True).click()
    page.locator(f'a[href="/sweeps/{cones.sweep}"]').click()
    expect(page.get_by_role("heading", name="cones", level=1)).to_be_visible()


def test_a_sweep_on_one_screen(watched: Watched, cones: Cones, stage: Stage) -> None:
    page = watched.page(f"/sweeps/{cones.sweep}")
    view = stage.client.sweep(cones.sweep)
    searched = [run for run in view["runs"] if run["kind"] == "search"]
    best = max(
        run["value"]
        for run in searched
        if run["state"] == "finished" and isinstance(run["value"], float)
    )
    head = page.get_by_role("region", name="Overview")
    expect(head).to_contain_text(f"{best:.4g}")
    expect(head).to_contain_text("1 of 2")
    expect(head).to_contain_text("good 0.5 reached")
    expect(head).to_contain_text(f"{ENDED} of 40")
    expect(head).to_contain_text(re.compile("agents? at work"))
    for name in PANELS:
        expect_painted(page.get_by_role("region", name=name, exact=True))
    importance = page.get_by_role("region", name="Importance")
    expect(importance.get_by_role("group", name=re.compile("mportance"))).to_contain_text("lr")
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text(f"{len(FAILED)} runs failed")
    card = health.get_by_role("listitem").filter(has_text=f"{len(FAILED)} runs failed").first
    card.get_by_role("button", name=f"show the {len(FAILED)} runs").click()
    expect(rows_of(page)).to_have_count(1 + len(FAILED))
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("The sweep's file").click()
    expect(page.locator("pre").filter(has_text='"run_cap": 40')).to_be_visible()


def test_figures_behind_a_chart(watched: Watched, cones: Cones) -> None:
    page = watched.page(f"/sweeps/{cones.sweep}")
    panel = page.get_by_role("region", name="History", exact=True)
    panel.get_by_role("button", name="Figures").click()
    expect(panel.get_by_role("table").get_by_role("row")).to_have_count(1 + RUNS)
    panel.get_by_role("button", name="Chart").click()
    expect_painted(panel)


def test_two_parameters_at_once(watched: Watched, cones: Cones) -> None:
    page = watched.page(f"/sweeps/{cones.sweep}?slice=lr")
    panel = page.get_by_role("region", name="One parameter")
    panel.get_by_label("Second parameter").select_option("momentum")
    pair = page.get_by_role("region", name="Two parameters")
    pair.scroll_into_view_if_needed()
    expect(pair.get_by_role("group", name="lr and momentum")).to_contain_text("model's mean is")
    expect_painted(pair)


def test_a_run(watched: Watched, cones: Cones, stage: Stage) -> None:
    page = watched.page(f"/runs/{cones.failed[0]}")
    run = stage.client.run(cones.failed[0])
    expect(page.get_by_role("heading", name=run["name"], level=1)).to_be_visible()
    expect(page.get_by_text("CUDA out of memory").first).to_be_visible()
    expect_painted(page.get_by_role("group", name="val/map", exact=True).first)

    def tab(name: str) -> Locator:
        page.get_by_role("tab", name=re.compile(f"^{name}")).click()
        return page.get_by_role("tabpanel")

    expect(tab("Media")).to_contain_text("It logged no images")
    expect(tab("Configuration")).to_contain_text("optimizer")
    expect(tab("Console")).to_contain_text("RuntimeError: CUDA out of memory")
    expect(tab("System")).to_contain_text("No figures of the machine")
    expect(tab("Files")).to_contain_text("It kept no files")
    expect(tab("History")).to_contain_text("Why it was chosen")
    expect(page.get_by_role("tabpanel")).to_contain_text(f"swept retry {run['id']}")
    expect(page).to_have_url(re.compile(r"tab=story"))
    page.get_by_role("main").locator(f'a[href="/sweeps/{cones.sweep}"]').first.click()
    expect(page).to_have_url(f"{watched.url}/sweeps/{cones.sweep}")


def test_a_console_is_coloured_and_searched(watched: Watched, cones: Cones) -> None:
    page = watched.page(f"/runs/{cones.by_hand}?tab=console")
    log = page.get_by_role("log")
    expect(log).to_contain_text("green and plain")
    green = log.get_by_text("green", exact=True)
    assert green.evaluate("node => getComputedStyle(node).color") != log.evaluate(
        "node => getComputedStyle(node).color"
    )
    page.get_by_role("searchbox", name="find in the console").fill("second")
    expect(page.get_by_text("1 of 1 lines")).to_be_visible()
    expect(log.locator("mark")).to_have_text("second")


def test_media_and_the_machine_of_a_run_by_hand(watched: Watched, stage: Stage) -> None:
    run = stage.by_hand("media", "pictures", {})
    run.keep("media/images/a.png", square())
    run.keep("plain.txt", b"text")
    for step in (1, 2):
        run.log(
            step,
            {
                "picture": {
                    "_type": "image-file",
                    "path": "media/images/a.png",
                    "width": 2,
                    "height": 2,
                    "caption": f"at {step}",
                },
                "weights": {"_type": "histogram", "bins": [0, 1, 2], "values": [3, step]},
            },
        )
    run.measure({"system.cpu": 12.5, "system.memory": 40.0})
    run.end()
    page = watched.page(f"/runs/{run.run}?tab=media")
    picture = page.get_by_role("group", name="picture").get_by_role("img").first
    expect(picture).to_be_visible()
    until(lambda: picture.evaluate("image => image.naturalWidth") == 2, "it is loaded")
    expect(page.get_by_role("group", name="picture", exact=True)).to_contain_text("at 2")
    expect_painted(page.get_by_role("group", name="weights", exact=True).first)
    steps = page.get_by_role("slider", name="step")
    steps.focus()
    steps.press("ArrowLeft")
    expect(page.get_by_role("group", name="picture", exact=True)).to_contain_text("at 1")
    page.get_by_role("button", name=re.compile("^larger")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("tab", name="System").click()
    expect_painted(page.get_by_role("tabpanel").get_by_role("group").first)
    page.get_by_role("tab", name=re.compile("^Files")).click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="plain.txt").click()
    assert waiting.value.path().read_text() == "text"


def test_a_run_says_where_it_stands(watched: Watched, stage: Stage) -> None:
    """Live: the others' values stand beside its own, and its place moves with its reports."""
    sweep = stage.sweep(name="standing", swept={"baseline": SWEEP["swept"]["baseline"]})
    baseline, first, second, third = (stage.begin(sweep) for _ in range(4))
    assert baseline.kind == "baseline"
    for part, value in ((baseline, 0.5), (first, 0.8), (second, 0.6)):
        part.log(1, {"val/map": value})
        part.end()
    third.log(1, {"val/map": 0.4})
    page = watched.page(f"/runs/{second.run}")
    figures = page.locator(".figures")
    expect(figures).to_contain_text(re.compile(r"place in the sweep2ndof 2 finished"))
    expect(figures).to_contain_text("against the baseline+0.1 +20 %")
    expect(figures).to_contain_text("against the best−0.2 −25 %")
    figures.get_by_role("link", name=first.name).click()
    expect(figures).to_contain_text("1stof 2 finished")
    expect(figures).to_contain_text("this is the sweep's best")
    page.goto(f"{watched.url}/runs/{third.run}")
    expect(figures).to_contain_text("behindall 2 finished, by its value at step 1")
    third.log(2, {"val/map": 0.7})
    expect(figures).to_contain_text("would be 2ndof 3 with the 2 finished, by its value at step 2")
    # Where the others were at its steps, and not at their ends.
    expect(figures).to_contain_text("against the baseline−0.1 −20 %at step 1: 0.5 of")
    expect(figures).to_contain_text("against the best−0.4 −50 %at step 1: 0.8 of")
    third.end()
    expect(figures).to_contain_text(re.compile("2ndof 3 finished(?!,)"))
    expect(figures).to_contain_text("against the baseline+0.2 +40 %0.5 of")


def test_the_table_compares_with_the_baseline_at_steps_that_both_have(
    watched: Watched, stage: Stage
) -> None:
    sweep = stage.sweep(name="levels")
    baseline, running = stage.begin(sweep), stage.begin(sweep)
    for step, value in ((1, 0.1), (2, 0.7)):
        baseline.log(step, {"val/map": value})
    baseline.end()
    running.log(1, {"val/map": 0.3})
    page = watched.page(f"/sweeps/{sweep}")
    page.get_by_role("button", name="Δ baseline").click()
    row = rows_of(page).filter(has_text=running.name)
    expect(row.get_by_role("gridcell").nth(2)).to_have_text("+0.2")
    expect(row.get_by_role("gridcell").nth(2)).to_have_attribute("title", re.compile("at step 1"))
    expect(row.get_by_role("gridcell").nth(3)).to_have_text("")


def test_a_run_that_is_over_is_told_when_another_passes_it(watched: Watched, stage: Stage) -> None:
    spec = {**SWEEP, "swept": {"epochs": "epochs"}}
    sweep = stage.sweep(spec, name="passed")
    first, second = stage.begin(sweep), stage.begin(sweep)
    first.log(1, {"val/map": 0.5})
    first.end()
    page = watched.page(f"/runs/{first.run}")
    figures = page.locator(".figures")
    expect(figures).to_contain_text("1stof 1 finished")
    second.log(1, {"val/map": 0.75})
    second.end()
    expect(figures).to_contain_text("2ndof 2 finished")
    expect(figures).to_contain_text("0.75 of")
    parameters = {**spec["parameters"], "epochs": {"value": 3}}
    text = json.dumps({**spec, "name": "passed", "parameters": parameters})
    stage.client.update_spec(sweep, {"text": text, "path": ""})
    expect(figures).to_contain_text("trained with other fixed values than the file has now")
    third = stage.begin(sweep)
    third.log(1, {"val/map": 0.25})
    third.end()
    page.goto(f"{watched.url}/runs/{third.run}")
    expect(figures).to_contain_text("1stof 1 finished")


def test_saved_images_of_a_series_are_shown_a_step_at_a_time(
    watched: Watched, stage: Stage
) -> None:
    run, other = (stage.by_hand("series", name, {}) for name in ("one", "other"))
    for part in (run, other):
        for name in ("val_pred_10.png", "val_pred_20.png", "curve.png"):
            part.keep(name, square())
        part.end()
    page = watched.page(f"/runs/{run.run}?tab=media")
    saved = page.get_by_role("region", name="saved images")
    expect(saved.get_by_role("img")).to_have_count(2)
    expect(saved.get_by_role("img", name="val_pred_20.png")).to_be_visible()
    steps = saved.get_by_role("slider", name="step")
    steps.focus()
    steps.press("ArrowLeft")
    expect(saved.get_by_role("img", name="val_pred_10.png")).to_be_visible()
    expect(saved.get_by_role("img", name="val_pred_20.png")).to_have_count(0)
    saved.get_by_role("checkbox", name="all steps").check()
    expect(saved.get_by_role("img")).to_have_count(3)
    page.goto(f"{watched.url}/compare?runs={run.run},{other.run}")
    beside = page.get_by_role("region", name="images side by side")
    expect(beside.get_by_role("heading", name="val_pred_20.png")).to_be_visible()
    expect(beside.get_by_role("heading", name="val_pred_10.png")).to_have_count(0)
    beside.get_by_role("checkbox", name="all steps").check()
    expect(beside.get_by_role("heading", name="val_pred_10.png")).to_be_visible()
    beside.get_by_role("checkbox", name="all steps").uncheck()
    steps = beside.get_by_role("slider", name="step")
    steps.focus()
    steps.press("ArrowLeft")
    expect(beside.get_by_role("heading", name="val_pred_10.png")).to_be_visible()
    expect(beside.get_by_role("heading", name="val_pred_20.png")).to_have_count(0)


def test_many_images_side_by_side_are_shown_some_at_a_time(watched: Watched, stage: Stage) -> None:
    runs = [stage.by_hand("many", name, {}) for name in ("one", "other")]
    for part in runs:
        for step in range(10, 530, 10):
            part.keep(f"pred_{step:03}.png", square())
        part.end()
    page = watched.page(f"/compare?runs={','.join(part.run for part in runs)}")
    beside = page.get_by_role("region", name="images side by side")
    beside.get_by_role("checkbox", name="all steps").check()
    headings = beside.get_by_role("heading", level=3)
    expect(headings).to_have_count(50)
    beside.get_by_role("button", name="show more: 50 of 52 images").click()
    expect(headings).to_have_count(52)


def test_runs_are_compared(watched: Watched, cones: Cones, stage: Stage) -> None:
    one, other = cones.runs[0], cones.runs[1]
    page = watched.page(f"/compare?runs={one},{other}")
    expect(page.get_by_role("heading", name="Comparing 2 runs")).to_be_visible()
    expect_painted(page.get_by_role("group", name="val/map", exact=True).first)
    differ = page.get_by_role("region", name="configurations")
    configs = [stage.client.run(run)["config"] for run in (one, other)]
    differing = {name for name in configs[0] if configs[0][name] != configs[1][name]}
    for name in SWEEP["parameters"]:
        expect(differ.get_by_role("rowheader", name=name, exact=True)).to_have_count(
            int(name in differing)
        )
    figures = page.get_by_role("region", name="figures")
    expect(figures).to_contain_text("★")
    page.get_by_role("navigation").get_by_role("link", name="cones").click()
    expect(page.get_by_role("heading", name="cones", level=1)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 2560])
def test_eight_runs_are_compared_on_any_screen(
    watched: Watched, cones: Cones, width: int, scheme: Literal["light", "dark"]
) -> None:
    path = f"/compare?runs={','.join(cones.runs[:8])}"
    page = watched.page(path, width=width, scheme=scheme)
    expect(page.get_by_role("heading", name="Comparing 8 runs")).to_be_visible()
    card = page.get_by_role("group", name="val/map", exact=True).first
    expect_painted(card)
    # Each run's value can be read below the curves without scrolling there, and has a colour of its own.
    named = card.get_by_role("button", name=re.compile(r"-\d+ "))
    expect(named).to_have_count(8)
    assert len({named.nth(at).locator("span").first.evaluate(COLOUR) for at in range(8)}) == 8
    until(lambda: named.last.evaluate(CUT_OFF) == 0, "the last value is in sight")
    figures = page.get_by_role("group", name="figures", exact=True)
    header = figures.get_by_role("rowheader", name=re.compile("^val.map"))

    def stays() -> bool:
        figures.evaluate("(table) => (table.scrollLeft = table.scrollWidth)")
        return bool(header.evaluate(CUT_OFF) == 0)

    until(stays, "the header stays in sight")
    assert sideways(page) == []


def test_a_page_that_was_left_is_forgotten(watched: Watched, cones: Cones) -> None:
    page = watched.context(height=2600).new_page()  # all panels are in sight, and drawn
    page.goto(f"{watched.url}/sweeps/{cones.sweep}")
    browser = page.context.new_cdp_session(page)
    for domain in ("Performance", "HeapProfiler"):
        browser.send(f"{domain}.enable")

    def nodes() -> int:
        browser.send("HeapProfiler.collectGarbage")
        found = {
            one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]
        }
        return int(found["Nodes"])

    def whole() -> None:
        curves = page.get_by_role("group", name="Learning curves of")
        expect(curves).to_contain_text(f"{RUNS} runs")
        expect(page.get_by_role("group", name="Slice along")).to_be_visible()
        importance = page.get_by_role("region", name="Importance")
        expect(importance.get_by_role("group", name=re.compile("mportance"))).to_contain_text("lr")

    whole()
    once = nodes()
    for _ in range(5):
        page.get_by_role("link", name="swept", exact=True).click()
        expect(page.get_by_role("heading", name="Sweeps", exact=True)).to_be_visible()
        page.go_back()
        whole()
    until(lambda: nodes() < 2 * once, "what was left is collected")


@pytest.mark.parametrize(
    ("path", "lands"),
    [
        ("/local/alone/runs/{run}", "by hand"),
        ("/local/alone/runs/{run}/overview", "by hand"),
        ("/local/uncategorized/sweeps/{sweep}", "cones"),
        ("/local/alone", "Runs in alone"),
        ("/local/alone/workspace", "Runs in alone"),
        ("/local/alone/artifacts/model/net/v3", "Artifact alone/net:v3"),
    ],
)
def test_the_addresses_that_wandb_prints_lead_to_the_page(
    watched: Watched, cones: Cones, path: str, lands: str
) -> None:
    page = watched.page(path.format(run=cones.by_hand, sweep=cones.sweep))
    expect(page.get_by_role("heading", name=lands, exact=True, level=1)).to_be_visible()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/sweeps/nothing", "there is no sweep .?nothing"),
        ("/runs/nothing", "there is no run .?nothing"),
        ("/compare?runs=nothing,none", "Not found: nothing, none"),
    ],
)
def test_what_is_not_there_is_said(watched: Watched, path: str, said: str) -> None:
    watched.allowed.append(r"404 \(Not Found\)")
    page = watched.page(path)
    expect(page.get_by_role("alert")).to_contain_text(re.compile(said))


def test_an_empty_server_says_how_to_begin(browser: Browser, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    with over_http(in_memory(store, SystemClock(), tmp_path / "files")) as served:
        watched = Watched(browser, served.url)
        page = watched.page("/")
        expect(page.get_by_role("heading", name="No sweeps yet")).to_be_visible()
        with served.client() as client:
            stage = Stage(client, tmp_path)
            sweep = stage.sweep()
            expect(page.locator(f'a[href="/sweeps/{sweep}"]')).to_be_visible()
            page.goto(f"{served.url}/sweeps/{sweep}")
            expect(page.get_by_text("No run has begun yet")).to_be_visible()
            stage.begin(sweep).train(2)
            expect(page.get_by_role("status").filter(has_text="1 of 1 run")).to_be_visible()
        watched.close()
        assert watched.problems() == []
    store.close()


def square() -> bytes:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    Image.new("RGB", (2, 2), "red").save(content, "PNG")
    return content.getvalue()
