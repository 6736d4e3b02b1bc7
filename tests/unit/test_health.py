"""Health cards: each says what it should, with evidence, and keeps quiet where chance would do the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swept.analysis.health.cards import health
from swept.analysis.health.situation import LEVELS, Card, Situation
from swept.analysis.importance import Importance, Share
from swept.analysis.look import look
from swept.model import Agent, Attempt, Config, Kind, Outcome, Point, Run, RunState, SweepState
from swept.spec import Spec, parse_mapping
from swept.testing.simulate import simulate

SWEEP: dict[str, Any] = {
    "method": "random",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
        "batch": {"values": [8, 16, 32, 64]},
        "kind": {"values": ["a", "b", "c"]},
        "decay": {"min": 0.0, "max": 1.0},
    },
    "run_cap": 100,
    "swept": {"baseline": {"lr": 0.01, "batch": 8, "kind": "a", "decay": 0.5}},
}
FAILED, FINISHED, STATES = RunState.FAILED, RunState.FINISHED, RunState


def spec_with(**top: Any) -> Spec:
    return parse_mapping({**SWEEP, **top})


PLAIN = spec_with()


def drawn(n: int, spec: Spec = PLAIN, seed: int = 0) -> list[Run]:
    """Finished runs of ten steps, with values all over."""
    rng = np.random.default_rng(seed)
    return [run(i, spec.space.sample(rng), 1.0 + float(rng.random())) for i in range(1, n + 1)]


def run(
    number: int,
    config: dict[str, Any] | None = None,
    value: float = 1.5,
    *,
    state: RunState = FINISHED,
    agent: str = "one",
    steps: int = 10,
    reason: str = "",
    **more: Any,
) -> Run:
    failed = state in (RunState.FAILED, RunState.CRASHED)
    outcome = Outcome.FAILED if failed else Outcome.FINISHED
    attempt = Attempt(1, agent, f"host-{agent}", 0.0, float(number), outcome, reason)
    points = tuple(Point(step, value) for step in range(1, steps + 1))
    made = Run(
        id=f"r{number}",
        project="p",
        sweep="s",
        number=number,
        name=f"run-{number}",
        kind=Kind.SEARCH,
        state=state,
        config=config or {"lr": 0.01, "batch": 8, "kind": "a", "decay": 0.5},
        attempts=(attempt,),
        ended=float(number),
        ended_because=reason,
        curve=() if failed else points,
        summary={} if failed else {"loss": value},
    )
    return replace(made, **more)


def fails(each: Run, reason: str = "exit code 1") -> Run:
    (attempt,) = each.attempts
    return replace(
        each,
        state=FAILED,
        curve=(),
        summary={},
        ended_because=reason,
        attempts=(replace(attempt, outcome=Outcome.FAILED, reason=reason),),
    )


AGENT = Agent("one", "s", "host-one", "swept", 1, 0.0, 0.0)


def cards(runs: Sequence[Run], spec: Spec = PLAIN, **more: Any) -> dict[str, Card]:
    known: dict[str, Any] = {
        "state": SweepState.RUNNING,
        "sweep": "4fk2p9xz",
        "agents": (AGENT,),
        "live": frozenset({"one"}),
    }
    found = health(Situation(spec, runs, **{**known, **more}))
    assert len({card.id for card in found}) == len(found)
    levels = [LEVELS.index(card.level) for card in found]
    assert levels == sorted(levels)
    return {card.id: card for card in found}


DWARFED: dict[str, Any] = {
    "method": "bayes",
    "metric": {"name": "acc", "goal": "maximize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
        "width": {"distribution": "int_uniform", "min": 32, "max": 256},
        "momentum": {"min": 0.5, "max": 0.99},
        "dropout": {"min": 0.0, "max": 0.6},
        "optimizer": {"values": ["sgd", "adam", "rmsprop"]},
    },
    "run_cap": 45,
}


def dwarfed(config: Config, seed: int) -> list[float]:
    """Over its five decades the learning rate explains nearly all; near the best the optimizer costs 0.08, the width
    0.03, and the dropout nothing."""
    rng = np.random.default_rng([seed % 2**32, round(1e6 * config["lr"]), config["width"]])
    lost = 0.12 * (math.log10(config["lr"]) + 2.5) ** 2
    lost += 0.2 * (config["width"] / 256 - 0.6) ** 2 + 0.1 * (config["momentum"] - 0.85) ** 2
    lost += {"sgd": 0.03, "adam": 0.0, "rmsprop": 0.08}[config["optimizer"]]
    top = max(0.92 - lost, 0.0)
    return [top * -math.expm1(-t / 4) + 0.006 * float(rng.normal()) for t in range(1, 21)]


class TestNothing:
    def test_a_sweep_without_findings_has_one_good_card_that_says_what_was_looked_at(self) -> None:
        (card,) = cards(drawn(20)).values()
        assert (card.id, card.level) == ("well", "good")
        assert "20 runs" in card.text

    def test_a_sweep_that_has_not_begun(self) -> None:
        (card,) = cards([]).values()
        assert card.title == "Nothing has run yet"

    def test_what_is_said_of_runs_of_chance_is_rare(self) -> None:
        """Failures at random, values at random: over twenty sweeps hardly a card that blames or points somewhere."""
        blamed = 0
        for seed in range(20):
            rng = np.random.default_rng(100 + seed)
            runs = [
                replace(fails(each) if rng.random() < 0.25 else each)
                for each in drawn(40, seed=seed)
            ]
            runs = [
                replace(each, attempts=(replace(each.attempts[0], agent=f"a{rng.integers(4)}"),))
                for each in runs
            ]
            found = cards(runs)
            blamed += sum(
                name.startswith(("agent-", "failed-", "edge-", "diverged-")) for name in found
            )
        assert blamed <= 2


class TestFailures:
    def test_an_agent_whose_runs_keep_failing(self) -> None:
        runs = [
            replace(each, attempts=(replace(each.attempts[0], agent="two", host="h2"),))
            for each in drawn(12)
        ]
        bad = [fails(run(n, agent="one"), "CUDA error: device-side assert") for n in range(13, 18)]
        found = cards([*runs, *bad])
        card = found["agent-one"]
        assert card.level == "bad"
        assert card.title == "Runs keep failing on host-one"
        assert "5 of 5" in card.text
        assert "0 of 12" in card.text
        assert card.evidence == ("CUDA error: device-side assert",)
        assert set(card.runs) == {each.id for each in bad}

    def test_a_value_that_failed_runs_share(self) -> None:
        runs = [
            fails(each, "out of memory") if each.config["batch"] == 64 else each
            for each in drawn(30)
        ]
        hit = [each.id for each in runs if each.state is FAILED]
        card = cards(runs)["failed-batch"]
        assert card.level == "bad"
        assert card.title == "Runs fail where `batch` is 64 or more"
        assert card.parameter == "batch"
        assert card.runs == tuple(hit)
        assert "out of memory" in card.evidence[0]

    def test_a_range_that_failed_runs_share_with_exceptions(self) -> None:
        runs = [
            fails(each) if each.config["lr"] > 0.02 and each.number % 5 else each
            for each in drawn(60)
        ]
        card = cards(runs)["failed-lr"]
        assert card.parameter == "lr"
        assert "`lr` is 0.02" in card.title
        assert "or more" in card.title

    def test_a_category(self) -> None:
        runs = [fails(each) if each.config["kind"] == "b" else each for each in drawn(30)]
        assert cards(runs)["failed-kind"].title == "Runs fail where `kind` is b"

    def test_failures_that_nothing_explains_are_only_counted(self) -> None:
        runs = drawn(30)
        for place in (3, 11, 20):
            runs[place] = fails(runs[place], "disk is full")
        card = cards(runs)["failures"]
        assert card.title == "3 runs failed"
        assert card.evidence == ("run 4, 12, 21: disk is full",)

    def test_a_row_of_failures_at_the_end(self) -> None:
        runs = drawn(10)
        runs += [fails(run(n)) for n in (11, 12, 13, 14)]
        assert cards(runs)["failing"].title == "The last 4 runs all failed"

    def test_divergence_has_its_range(self) -> None:
        runs = [
            replace(each, curve=(*each.curve, Point(11, math.nan)))
            if each.config["lr"] > 0.03
            else each
            for each in drawn(40)
        ]
        card = cards(runs)["diverged-lr"]
        assert card.title.startswith("Runs diverge where `lr` is 0.03")

    def test_one_diverged_run_is_counted(self) -> None:
        runs = drawn(10)
        runs[4] = replace(runs[4], curve=(Point(1, 1.0), Point(2, math.inf)))
        card = cards(runs)["diverged"]
        assert card.evidence == ("run 5: no number at step 2",)


class TestReporting:
    def test_a_metric_that_no_run_reports_with_what_they_do(self) -> None:
        runs = [
            run(n, curve=(), summary={"Loss": 1.0, "accuracy": 0.5, "_step": 3}) for n in (1, 2)
        ]
        card = cards(runs)["metric"]
        assert card.level == "bad"
        assert "did you mean `Loss`?" in card.text.replace("Did", "did")
        assert "`Loss`" in card.evidence[0]
        assert "`accuracy`" in card.evidence[0]
        assert "_step" not in card.evidence[0]

    def test_while_no_run_has_ended_it_may_come_yet(self) -> None:
        young = run(1, curve=(), summary={"accuracy": 0.5}, state=RunState.RUNNING)
        card = cards([young])["metric"]
        assert (card.level, card.title) == ("warn", "`loss` has not been reported yet")

    def test_some_runs_without_it(self) -> None:
        runs = [*drawn(5), run(6, curve=(), summary={"accuracy": 0.5})]
        card = cards(runs)["metric"]
        assert (card.level, card.runs) == ("warn", ("r6",))

    def test_a_run_that_has_not_come_to_its_first_report_is_no_finding(self) -> None:
        young = run(6, curve=(), summary={"accuracy": 0.5}, state=RunState.RUNNING)
        assert "metric" not in cards([*drawn(5), young])

    def test_runs_of_different_lengths(self) -> None:
        runs = drawn(6)
        runs[2] = replace(runs[2], curve=runs[2].curve[:4])
        card = cards(runs)["lengths"]
        assert (card.level, card.runs) == ("warn", ("r3",))
        assert "from 4 to 10 steps" in card.evidence


class TestParameters:
    def test_the_best_at_the_end_of_a_range(self) -> None:
        runs = [
            replace(each, curve=(Point(10, -math.log10(float(each.config["lr"]))),))
            for each in drawn(60)
        ]
        card = cards(runs)["edge-lr-high"]
        assert card.parameter == "lr"
        assert "upper end of `lr`" in card.title
        assert "from 0.1" in card.text
        assert set(card.runs) <= {each.id for each in runs}
        assert "edge-lr-low" not in cards(runs)

    def test_not_for_a_parameter_that_makes_no_difference(self) -> None:
        runs = [
            replace(each, curve=(Point(10, -math.log10(float(each.config["lr"]))),))
            for each in drawn(60)
        ]
        rows = (Share("decay", 0.9, 0.8, 1.0, 1.0), Share("lr", 0.001, 0.0, 0.01, 0.0))
        seen = Importance(60, 0.9, "", rows)
        assert "edge-lr-high" not in cards(runs, importance=seen)

    def test_what_makes_no_difference_by_a_model_that_knows_enough(self) -> None:
        lr, decay = Share("lr", 0.9, 0.8, 1.0, -1.0), Share("decay", 0.002, 0.0, 0.008, 0.0)
        rows = (lr, replace(decay, near=0.001))
        seen = Importance(40, 0.8, "", rows, apart=0.05)
        card = cards(drawn(40), importance=seen, residual=0.002)["no-effect"]
        assert card.parameter == "decay"
        assert card.title == "`decay` makes no difference in these ranges"
        for little in (replace(seen, runs=8), replace(seen, explained=0.2)):
            assert "no-effect" not in cards(drawn(40), importance=little, residual=0.002)

    def test_little_of_the_whole_range_is_no_advice_to_fix_it(self) -> None:
        """It may be what is left to gain near the best: more than luck there, or more than the better runs differ by."""
        lr, decay = Share("lr", 0.99, 0.98, 1.0, -1.0), Share("decay", 0.002, 0.0, 0.008, 0.0)
        for near, residual, apart in (
            (0.02, 0.002, 0.05),
            (0.08, 0.1, 0.05),
            (math.nan, 0.1, 0.05),
            (0.0, None, 0.05),
        ):
            rows = (lr, replace(decay, near=near))
            seen = Importance(40, 0.8, "", rows, apart=apart)
            found = cards(drawn(40), importance=seen, residual=residual)
            assert "no-effect" not in found
            card = found["little-effect"]
            assert card.title == "`decay` explains little of the whole range"
            assert "may still matter" in card.text
            assert "smaller space" not in card.text

    @pytest.mark.parametrize("rule", ["auto", "hyperband", None])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_what_a_wide_learning_rate_dwarfs_is_not_advised_to_be_fixed(
        self, rule: str | None, seed: int
    ) -> None:
        stopping = {"early_stopping": rule} if rule else {}
        played = simulate({**DWARFED, "swept": {"epochs": 20, **stopping}}, dwarfed, 2000, seed)
        seen = look(played.spec, played.runs)
        noise = seen.surface.noise if seen.surface else None
        found = cards(played.runs, played.spec, importance=seen.importance, residual=noise)
        advised = " ".join(found["no-effect"].evidence) if "no-effect" in found else ""
        assert "optimizer" not in advised
        assert "width" not in advised
        assert any("dropout" in line for card in found.values() for line in card.evidence)

    def test_what_cannot_act(self) -> None:
        spec = parse_mapping(
            {
                "method": "random",
                "metric": {"name": "metrics/mAP50-95(B)", "goal": "maximize"},
                "parameters": {
                    "lr0": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
                    "mixup": {"min": 0.0, "max": 1.0},
                },
                "swept": {"adapter": "ultralytics", "baseline": {}},
            }
        )
        card = cards([], spec)["inert"]
        assert card.parameter == "lr0"
        assert "optimizer: auto" in card.evidence[0]


class TestDifferences:
    def test_all_the_same_to_the_last_digit(self) -> None:
        runs = [replace(each, curve=(Point(10, 1.0),)) for each in drawn(6)]
        card = cards(runs)["alike"]
        assert (card.level, card.title) == ("bad", "All runs gave the same value")

    def test_no_more_than_repeats_differ_by(self) -> None:
        rng = np.random.default_rng(3)
        runs = [
            replace(each, curve=(Point(10, 1.0 + 0.01 * float(rng.normal())),))
            for each in drawn(12)
        ]
        runs += [run(n, value=1.0 + 0.02 * (n - 14)) for n in (13, 14, 15, 16)]
        assert cards(runs)["alike"].title == "All runs perform the same"

    def test_those_that_early_stopping_let_finish_do_not_speak_for_all(self) -> None:
        finished = [replace(each, curve=(Point(10, 1.0),)) for each in drawn(6)]
        for state in (STATES.STOPPED, STATES.PAUSED):
            early = [run(n, value=1.0 + n, steps=3, state=state) for n in (7, 8, 9)]
            assert "alike" not in cards([*finished, *early])
        same = [run(n, value=1.0, steps=3, state=STATES.STOPPED) for n in (7, 8, 9)]
        assert cards([*finished, *same])["alike"].title == "All runs gave the same value"

    def test_the_best_ones_too_close_to_call(self) -> None:
        runs = drawn(30)
        card = cards(runs, residual=0.5)["close"]
        assert len(card.runs) == 5
        assert "Repeats" in card.text
        assert "close" not in cards(runs, residual=0.001)

    def test_no_run_beats_the_baseline(self) -> None:
        reference = run(40, value=0.5, kind=Kind.BASELINE)
        card = cards([*drawn(10), reference])["baseline"]
        assert card.title == "No run beats the baseline"

    def test_a_lead_that_may_be_luck(self) -> None:
        repeats = [run(n, value=1.0 + 0.2 * (n % 2)) for n in (31, 32, 33, 34)]
        reference = run(40, {**repeats[0].config, "lr": 0.02}, value=1.05, kind=Kind.BASELINE)
        found = cards([*drawn(10), *repeats, reference])
        assert found["baseline"].title == "The lead over the baseline may be luck"

    def test_no_baseline(self) -> None:
        spec = parse_mapping({key: value for key, value in SWEEP.items() if key != "swept"})
        assert cards(drawn(5), spec)["no-baseline"].level == "info"

    def test_nothing_gained(self) -> None:
        runs = drawn(30)
        runs[2] = replace(runs[2], curve=(Point(10, 0.1),))
        card = cards(runs)["stalled"]
        assert card.title == "Nothing gained for 27 finished runs"
        assert "the 3rd" in card.text
        assert "10 %" in card.text
        assert "stalled" not in cards(runs, state=SweepState.FINISHED)

    def test_runs_that_were_stopped_early_are_no_standstill(self) -> None:
        """They were to gain nothing, and their values are those of an earlier step."""
        runs = drawn(30)
        runs[2] = replace(runs[2], curve=(Point(10, 0.1),))
        finished = runs[:8]
        stopped = [replace(each, state=RunState.STOPPED) for each in runs[8:]]
        assert "stalled" not in cards([*finished, *stopped])
        more = [replace(each, state=RunState.STOPPED) for each in drawn(60)[30:]]
        assert cards([*runs, *more])["stalled"].title == "Nothing gained for 27 finished runs"

    def test_a_late_best_is_no_standstill(self) -> None:
        runs = drawn(30)
        runs[15] = replace(runs[15], curve=(Point(10, 0.1),))
        assert "stalled" not in cards(runs)


class TestSurroundings:
    @pytest.mark.parametrize("state", [SweepState.RUNNING, SweepState.PENDING])
    def test_agents_that_fell_silent(self, state: SweepState) -> None:
        card = cards(drawn(5), live=frozenset(), state=state)["no-agent"]
        assert card.level == "bad"
        assert "`swept agent 4fk2p9xz`" in card.text
        assert "host-one" in card.evidence[0]

    def test_agents_that_ended_and_none_at_all(self) -> None:
        gone = replace(AGENT, ended=5.0)
        assert cards(drawn(5), live=frozenset(), agents=(gone,))["no-agent"].level == "warn"
        never = cards(drawn(5), live=frozenset(), agents=())["no-agent"]
        assert never.level == "info"
        assert "`swept agent 4fk2p9xz`" in never.text

    def test_an_ended_sweep_needs_none(self) -> None:
        found = cards(drawn(5), live=frozenset(), state=SweepState.FINISHED)
        assert "no-agent" not in found

    def test_little_disk_space(self) -> None:
        assert cards(drawn(5), free=3 << 30)["disk"].level == "warn"
        assert cards(drawn(5), free=3 << 20)["disk"].level == "bad"
        assert "disk" not in cards(drawn(5), free=30 << 30)
