"""The report file: what is in it, what it weighs, and that nothing in a sweep breaks out of it."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
import re
import sys
from base64 import b64decode, b85decode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from swept.cli.report import report
from swept.client import Client
from swept.report.document import Bundle
from swept.report.images import SIDE
from swept.report.packing import packed
from swept.store.base import Store
from swept.store.identity import SeededIdentities
from swept.store.sql import open_store
from swept.testing.clock import FakeClock
from swept.testing.server import Served, in_memory
from swept.wire.agents import ClaimRequest
from swept.wire.reports import Report
from swept.wire.sweeps import NewSweep

BUNDLE = Bundle(
    'const a = "</script><script>", b = "<!-- ", c = "</SCRIPT >"; console.log(a + b + c)',
    'body::before { content: "</style>" }',
)
HOSTILE = "</script><img src=x onerror=alert(1)>\x00\x1b[31m' \" & \u2028"
SWEEP = """
method: random
name: cones
program: train.py
metric: {name: map, goal: maximize}
run_cap: 1000
parameters: {lr0: {min: 0.001, max: 0.1}, optimizer: {values: [SGD, AdamW]}, epochs: {value: 3}}
swept:
  baseline: {lr0: 0.01, optimizer: SGD}
  targets: {minimum: 0.5, excellent: 0.9}
  epochs: epochs
"""


class Stage:
    """A sweep whose runs the test plays."""

    def __init__(self, client: Client, text: str = SWEEP) -> None:
        self.client = client
        new: NewSweep = {"text": text, "path": "", "mode": "create"}
        self.sweep = client.create_sweep(new)["id"]
        self.agent = client.start_agent({"host": "h", "pid": 1, "slots": 1})["id"]
        self.runs: list[str] = []

    def play(
        self,
        values: list[float],
        outcome: str = "finished",
        files: dict[str, bytes] | None = None,
        others: dict[str, float] | None = None,
    ) -> str:
        asked: ClaimRequest = {
            "agent": self.agent,
            "host": "h",
            "request": f"q{len(self.runs)}",
            "wait": 0.0,
        }
        claimed = self.client.claim(self.sweep, asked)["claimed"]
        assert claimed is not None
        run, lease = claimed["run"], claimed["lease"]
        self.runs.append(run)
        reports: list[Report] = [
            {
                "seq": step,
                "type": "log",
                "time": 0.0,
                "step": step,
                "metrics": {"map": value, **(others or {})},
            }
            for step, value in enumerate(values, start=1)
        ]
        self.client.reports(run, {"lease": lease, "reports": reports})
        for name, content in (files or {}).items():
            self.put(run, name, content)
        self.client.complete(
            run,
            {
                "lease": lease,
                "outcome": outcome,
                "exit_code": 0 if outcome == "finished" else 1,
                "signal": None,
                "reason": HOSTILE if outcome == "failed" else "",
                "tail": [],
            },
        )
        return run

    def put(self, run: str, name: str, content: bytes) -> None:
        path = Path(self.folder) / "upload"
        path.write_bytes(content)
        self.client.put_file(run, name, path)

    folder: Path = Path()

    def report(self, images: int = 0) -> tuple[str, list[str]]:
        return report(self.client, self.client.sweep(self.sweep), BUNDLE, images)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/swept.db", identities=SeededIdentities(1))
    yield opened
    opened.close()


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Served:
    return in_memory(store, FakeClock(), tmp_path / "files")


@pytest.fixture
def stage(served: Served, tmp_path: Path) -> Iterator[Stage]:
    with served.client() as client:
        made = Stage(client)
        made.folder = tmp_path
        yield made


class Elements(HTMLParser):
    """What a browser finds: the elements, and the text of scripts and of the summary."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words = ""
        self._script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[-1] += data
        else:
            self.words += data


def unpacked(text: str) -> bytes:
    """As the page's script does it."""
    return gzip.decompress(b85decode(text.translate(str.maketrans(",./", "<>&"))))


def data_of(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The element's content, and what is packed in it."""
    outer = json.loads(Elements(text).scripts[1])
    return outer, json.loads(unpacked(outer["packed"]))


def curves_of(outer: dict[str, Any], metric: str) -> list[list[tuple[int, float]]]:
    """As docs/design/dashboard.md and types.ts describe the buffer."""
    buffer = unpacked(outer["curves"][metric])
    size = int.from_bytes(buffer[:4], "little")
    head = json.loads(buffer[4 : 4 + size])
    assert head["encoding"] == "u16"
    at, n, points = 4 + size, head["n"], head["points"]
    lengths = [int.from_bytes(buffer[at + 4 * k : at + 4 * k + 4], "little") for k in range(n)]
    at += 4 * n
    planes = []
    for _ in range(2):
        low, high = buffer[at : at + points], buffer[at + points : at + 2 * points]
        planes.append([a + 256 * b for a, b in zip(low, high, strict=True)])
        at += 2 * points
    curves, place = [], 0
    for length in lengths:
        step = level = 0
        curve = []
        for k in range(place, place + length):
            step, level = (step + planes[0][k]) % 65536, (level + planes[1][k]) % 65536
            value = head["low"] + (head["high"] - head["low"]) * level / 65534
            curve.append((step, math.nan if level == 65535 else value))
        place += length
        curves.append(curve)
    return curves


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_a_report_holds_the_board_the_curves_and_what_the_analysis_says(stage: Stage) -> None:
    stage.play([0.3, 0.5, 0.6], others={"loss": 0.25})
    stage.play([0.4, 0.7, 0.8], others={"loss": 0.5})
    stage.play([math.nan, 0.2], "failed")
    text, notes = stage.report()
    outer, packed = data_of(text)
    assert packed["board"]["runs"]["id"] == stage.runs
    assert packed["board"]["head"]["best"] == stage.runs[1]
    assert packed["board"]["head"]["baseline"] == stage.runs[0]
    assert packed["metrics"][0] == "map"
    first, second, third = curves_of(outer, "map")
    assert [step for step, _ in first] == [1, 2, 3]
    assert [value for _, value in second] == pytest.approx([0.4, 0.7, 0.8], abs=1e-4)
    assert math.isnan(third[0][1])
    assert [value for _, value in curves_of(outer, "loss")[1]] == pytest.approx([0.5] * 3)
    assert set(packed["slices"]) <= {"lr0", "optimizer"}
    assert {"importance", "health", "progress", "forecasts"} <= packed.keys()
    assert packed["runs"].keys() == {stage.runs[0], stage.runs[1]}
    assert packed["runs"][stage.runs[1]]["config"]["optimizer"] in ("SGD", "AdamW")
    assert packed["notes"] == notes == []


def test_without_javascript_the_findings_stand_in_the_file(stage: Stage) -> None:
    stage.play([0.3, 0.6])
    stage.play([0.4, 0.8])
    stage.play([0.4, 0.1], "failed")
    page = Elements(stage.report()[0])
    assert "Best: run 2" in page.words
    assert "Against the baseline" in page.words
    assert "1 (baseline)" in page.words
    assert "minimum" in page.words
    tags = [tag for tag, _ in page.tags]
    assert tags.count("svg") == 1
    assert tags.count("circle") == 2, "what failed has another mark"
    assert "×" in page.words


def test_what_the_model_and_health_say_stands_in_the_summary(stage: Stage) -> None:
    rng = random.Random(1)
    for _ in range(12):
        stage.play([rng.random()])
    text, _ = stage.report()
    _, packed = data_of(text)
    words = Elements(text).words
    assert packed["health"]
    for card in packed["health"]:
        assert card["title"].replace("`", "") in words
    (most, *_) = sorted(packed["importance"]["rows"], key=lambda row: -row["share"])
    assert f"{most['parameter']}not known" in words, "of values by chance, whatever the parameters"
    assert (most["share"], most["low"], most["high"]) == (0.0, 0.0, 1.0)
    assert "run 12" in words, "below the history"


def test_the_line_of_the_best_is_of_whole_trainings(stage: Stage) -> None:
    stage.play([0.3, 0.7])
    stage.play([0.2, 0.6])
    stage.play([0.9], "stopped")
    stage.play([0.4, 0.8])
    (line,) = (
        attributes["d"] or ""
        for tag, attributes in Elements(stage.report()[0]).tags
        if tag == "path" and attributes.get("class") == "best"
    )
    assert line.count("V") == 1, "from 0.6 to 0.8, past the baseline and what was stopped at 0.9"


def test_a_sweep_without_runs_and_one_without_values_have_reports(stage: Stage) -> None:
    assert "there is no best configuration" in stage.report()[0]
    stage.play([], "failed")
    _, packed = data_of(stage.report()[0])
    assert packed["board"]["head"]["best"] is None


def test_hostile_names_stay_text(served: Served, tmp_path: Path) -> None:
    text = json.dumps(
        {
            "method": "random",
            "name": HOSTILE.replace("\x00", "").replace("\x1b", ""),
            "program": "train.py",
            "metric": {"name": "map", "goal": "maximize"},
            "parameters": {"style": {"values": ["</script><i>", "<!--<script>"]}},
        }
    )
    with served.client() as client:
        stage = Stage(client, text)
        stage.folder = tmp_path
        stage.play([0.5], others={"</script><u>": 1.0})
        stage.play([0.5], "failed")
        made, _ = stage.report()
    page = Elements(made)
    found = [tag for tag, _ in page.tags]
    assert {"img", "b", "i", "u"}.isdisjoint(found)
    assert found.count("script") == 5
    outer, packed = data_of(made)
    assert packed["board"]["parameters"][0]["categories"] == ["</script><i>", "<!--<script>"]
    assert "</script><u>" in outer["curves"]
    assert "\x00" not in made
    assert "\x1b" not in made


def test_the_built_page_is_in_it_whole_and_cannot_end_its_elements(stage: Stage) -> None:
    page = Elements(stage.report()[0])
    assert [tag for tag, _ in page.tags].count("script") == 5
    packed = [unpacked(text).decode() for text in page.scripts[2:4]]
    assert packed == [BUNDLE.style, BUNDLE.script]


@pytest.mark.parametrize("length", [*range(9), 1000])
def test_bytes_become_text_that_no_html_and_no_json_gives_a_meaning(length: int) -> None:
    content = random.Random(length).randbytes(length)
    text = packed(content)
    assert unpacked(text) == content
    assert text.isascii()
    assert text.isprintable()
    assert set("<>&\"'\\ ").isdisjoint(text)


def test_pairs_of_the_most_important_parameters_are_in_it(stage: Stage) -> None:
    rng = random.Random(1)
    for _ in range(12):
        stage.play([rng.random(), rng.random()])
    text, _ = stage.report()
    _, packed = data_of(text)
    (pair,) = packed["pairs"]
    assert {pair["x"]["parameter"], pair["y"]["parameter"]} == {"lr0", "optimizer"}
    assert len(pair["mean"]) == len(pair["y"]["at"])
    assert all(len(row) == len(pair["x"]["at"]) for row in pair["mean"])
    (x, y) = (pair[axis]["parameter"] for axis in "xy")
    whole = stage.client.pair(stage.sweep, x, y)["mean"]
    spread = max(map(max, whole)) - min(map(min, whole))
    for row, other in zip(pair["mean"], whole, strict=True):
        assert row == pytest.approx(other, abs=spread / 500)


def test_the_file_asks_for_nothing(stage: Stage) -> None:
    stage.play([0.5])
    page = Elements(stage.report()[0])
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    (policy,) = (
        attributes["content"]
        for _, attributes in page.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"https?:", policy)


def test_images_of_the_best_and_the_baseline_are_made_small(stage: Stage) -> None:
    stage.play([0.3], files={"results.png": png(3000, 1500), "notes.txt": b"x"})
    drawn = {
        "media/images/val/pred_3_0011aabb.png": png(40, 20),
        "media/images/val/pred_12_0011aabb.png": png(60, 20),
        "confusion_matrix.png": png(50, 50),
        "z.png": png(50, 50),
    }
    stage.play([0.9], files=drawn)
    stage.play([0.1], "failed", files={"results.png": png(10, 10)})
    outer, packed = data_of(stage.report(images=2)[0])
    shown = [(image["run"], image["name"], image["step"]) for image in outer["images"]]
    assert shown == [
        (stage.runs[1], "confusion_matrix.png", None),
        (stage.runs[1], "val/pred", 12),
        (stage.runs[0], "results.png", None),
    ]
    with Image.open(io.BytesIO(b64decode(outer["images"][2]["data"]))) as small:
        assert small.size == (SIDE, SIDE // 2)
        assert small.format == "WEBP"
    assert packed["notes"] == []


def test_images_of_the_next_best_runs_follow(stage: Stage) -> None:
    for value in (0.5, 0.9, 0.1, 0.8):
        stage.play([value], files={"results.png": png(10, 10)})
    outer, packed = data_of(stage.report(images=1)[0])
    baseline, best, last, second = stage.runs
    assert [image["run"] for image in outer["images"]] == [best, baseline, second, last]
    assert packed["runs"].keys() == set(stage.runs)


def test_a_file_that_is_no_image_is_left_out_and_said(stage: Stage) -> None:
    stage.play([0.3], files={"a.png": b"<svg onload=alert(1)>", "b.png": png(9000, 6000)})
    text, notes = stage.report(images=5)
    assert data_of(text)[0]["images"] == []
    assert len(notes) == 2
    assert all("png" in note for note in notes)


def test_without_pillow_only_who_makes_the_report_hears_of_images_and_only_where_there_are(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    stage.play([0.3], files={"notes.txt": b"x"})
    assert stage.report(images=5)[1] == []
    stage.play([0.9], files={"results.png": b"any"})
    text, notes = stage.report(images=5)
    assert len(notes) == 1
    assert "pip install pillow" in notes[0]
    assert "pip install pillow" not in text
    assert data_of(text)[1]["notes"] == []


def test_fifty_runs_with_images_stay_small(stage: Stage) -> None:
    rng = random.Random(0)
    noise = Image.frombytes("RGB", (1200, 800), rng.randbytes(1200 * 800 * 3))
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    for number in range(50):
        files = {f"{k}.png": buffer.getvalue() for k in range(3)} if number < 2 else None
        stage.play([rng.random() for _ in range(3)] if number else [2.0], files=files)
    text, _ = stage.report(images=100)
    assert len(text) < 5_000_000
    assert data_of(text)[0]["images"]


def test_curves_of_very_many_points_are_rounded_and_that_is_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swept.report.data.LARGE_CURVES_BYTES", 10)
    values = [0.1234567, 0.2345678, 0.9]
    stage.play(values)
    text, notes = stage.report()
    outer, _ = data_of(text)
    (curve,) = curves_of(outer, "map")
    assert [value for _, value in curve] == pytest.approx(values, abs=0.8 / 8191)
    assert notes == ["rounded to 1/8191 of their range: the curves of map"]


def test_a_library_that_opens_images_its_own_way(stage: Stage, monkeypatch: Any) -> None:
    """Ultralytics puts its own in the place of Pillow's `open`: what is no image ends in a library that is missing."""

    def missing(*_: object, **__: object) -> object:
        raise ModuleNotFoundError("No module named 'pi_heif'")

    monkeypatch.setattr("PIL.Image.open", missing)
    stage.play([0.3], files={"a.png": b"no image"})
    text, notes = stage.report(images=5)
    assert data_of(text)[0]["images"] == []
    assert "`a.png`: No module named 'pi_heif'" in notes[0]
