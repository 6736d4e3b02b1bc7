"""The top level of W&B's sweep schema, all but `parameters`: metric, early termination, command and the plain keys.

Source: the schema of `sweeps` 0.3.0, with which the tests compare. Keys that only W&B's hosted service can serve are
refused, each with what to write instead.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from swept.model import Goal
from swept.sweepfile import options
from swept.sweepfile.findings import Findings, Place, did_you_mean, dotted, kind_of, misspelt, shown

METHODS: Final = ("bayes", "random", "grid")
GOALS: Final = ("maximize", "minimize")
TEXTS: Final = ("name", "description", "program", "project", "entity")
KEYS: Final = (
    *("program", "method", "metric", "parameters", "early_terminate", "run_cap", "command"),
    *("name", "description", "project", "entity", "swept", "apiVersion", "kind", "controller"),
)
_HOSTED: Final[Mapping[str, str]] = {
    "scheduler": "swept decides on its own server: leave it out, and use `method: bayes`, random or grid",
    "metrics": "swept optimizes one metric: write `metric: {name: …, goal: …}` for the one that decides",
    "launch": "swept starts programs itself: write `program:`, and `command:` where it needs one",
    "job": "swept starts programs itself: write `program:`, and `command:` where it needs one",
    "image_uri": "swept starts programs itself: write `program:`, or `command: [docker, run, …]`",
}
MACROS: Final = (
    *("env", "interpreter", "program", "args", "args_no_hyphens", "args_no_boolean_flags"),
    *("args_json", "args_json_file"),
)
_MACRO = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(r"envvar:[A-Z0-9_]+")
STOPPING: Final = ("type", "min_iter", "max_iter", "s", "eta", "strict")
ETA: Final = 3.0


@dataclass(frozen=True, slots=True)
class Metric:
    """The objective. `target`: the sweep ends once a run reaches it."""

    name: str
    goal: Goal = Goal.MINIMIZE
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Hyperband:
    """W&B's `early_terminate`; `swept.stopping.hyperband` says what it means.

    Either `min_iter`, or `max_iter` with `s`. `strict` is on where the file says nothing, as in `sweeps` 0.3.0.
    """

    min_iter: int | None = None
    max_iter: int | None = None
    s: int | None = None
    eta: float = ETA
    strict: bool = True


def check_keys(top: Mapping[str, Any], findings: Findings) -> None:
    """Unknown and refused keys, and those that W&B's client takes and swept has no use for."""
    for key in top:
        if key in _HOSTED:
            findings.error((key,), f"`{key}` is for W&B's hosted service", _HOSTED[key])
        elif key not in KEYS:
            findings.error((key,), f"unknown key `{key}`", _unknown_hint(key))
    controller = top.get("controller")
    if controller is not None:
        kind = controller.get("type") if isinstance(controller, Mapping) else None
        if kind == "local":
            hint = "swept's own server decides: leave `controller` out"
            findings.error(("controller",), "`controller: local` lets W&B's client decide", hint)
        elif kind != "cloud":
            findings.error(("controller",), f"`controller` is {shown(controller)}", "leave it out")
    if "kind" in top and top["kind"] != "sweep":
        findings.error(
            ("kind",), f"`kind` is {shown(top['kind'])}", "write `kind: sweep`, or nothing"
        )


def _unknown_hint(key: str) -> str:

    if key in options.KEYS:
        return f"`{key}` belongs under the key `swept:`"
    return did_you_mean(key, KEYS, "parameters of the program go under `parameters:`")


def read_method(top: Mapping[str, Any], findings: Findings) -> str | None:
    if "method" not in top:
        if misspelt("method", top, KEYS):
            return None
        findings.error((), "`method` is missing", "write `method: bayes` (or random, or grid)")
        return None
    method = top["method"]
    if method in METHODS:
        return str(method)
    hint = did_you_mean(method, METHODS, f"it takes {', '.join(METHODS)}")
    if method == "custom":
        hint = "custom schedulers are for W&B's hosted service: write `method: bayes`"
    findings.error(("method",), f"`method` is {shown(method)}", hint)
    return None


def read_text(top: Mapping[str, Any], key: str, findings: Findings) -> str | None:
    return findings.text((key,), top[key]) if key in top else None


def read_run_cap(top: Mapping[str, Any], findings: Findings) -> int | None:
    return findings.whole(("run_cap",), top["run_cap"], 1) if "run_cap" in top else None


# -- metric ---------------------------------------------------------------------------------------


def read_metric(top: Mapping[str, Any], method: str | None, findings: Findings) -> Metric | None:
    example = "metric: {name: val_loss, goal: minimize}"
    if misspelt("metric", top, KEYS) and "metric" not in top:
        return None
    if "metric" not in top:
        needs = "`method: bayes`" if method == "bayes" else "`early_terminate`"
        if method == "bayes" or "early_terminate" in top:
            place: Place = ("method",) if method == "bayes" else ("early_terminate",)
            findings.error(
                place, f"{needs} needs a `metric` to judge runs by", f"write `{example}`"
            )
        return None
    mapping = findings.mapping(("metric",), top["metric"], example)
    if mapping is None:
        return None
    known = ("name", "goal", "target", "impute", "impute_while_running")
    findings.known_keys(("metric",), mapping, known)
    _check_impute(mapping, findings)
    if "name" not in mapping and not misspelt("name", mapping, known):
        findings.error(("metric",), "`metric` needs `name`", "the name under which runs report it")
    name = findings.text(("metric", "name"), mapping["name"]) if "name" in mapping else None
    target = None
    if "target" in mapping:
        target = findings.number(("metric", "target"), mapping["target"])
    goal = _goal(mapping, findings)
    return Metric(name, goal, target) if name and goal else None


def _goal(mapping: Mapping[str, Any], findings: Findings) -> Goal | None:
    if "goal" not in mapping:
        hint = "write `goal: maximize` or `goal: minimize`"
        findings.note(("metric",), "`metric` has no `goal`: it is minimized, as with W&B", hint)
        return Goal.MINIMIZE
    goal = mapping["goal"]
    if goal in GOALS:
        return Goal(goal)
    hint = did_you_mean(goal, GOALS)
    findings.error(("metric", "goal"), f"`goal` is {shown(goal)}", hint)
    return None


def _check_impute(mapping: Mapping[str, Any], findings: Findings) -> None:
    impute = ("latest", "best", "worst")
    for key, allowed in (("impute", impute), ("impute_while_running", (*impute, "false"))):
        if key not in mapping:
            continue
        value = "false" if mapping[key] is False else mapping[key]
        if value not in allowed:
            hint = did_you_mean(value, allowed)
            findings.error(("metric", key), f"`{key}` is {shown(value)}", hint)
        else:
            message = f"`metric.{key}` is ignored: failed runs have no value here, running ones their last"
            findings.note(("metric", key), message)


# -- early termination ----------------------------------------------------------------------------


def read_hyperband(top: Mapping[str, Any], findings: Findings) -> Hyperband | None:
    if "early_terminate" not in top:
        return None
    place: Place = ("early_terminate",)
    mapping = findings.mapping(
        place, top["early_terminate"], "early_terminate: {type: hyperband, min_iter: 3}"
    )
    if mapping is None:
        return None
    before = len(findings.problems)
    findings.known_keys(place, mapping, STOPPING)
    _check_type(mapping, findings)
    figures = _figures(mapping, findings)
    eta = findings.number((*place, "eta"), mapping.get("eta", ETA))
    if eta is not None and eta <= 1:
        hint = "about the best 1/eta of the runs go on at each rung: 2 or 3"
        findings.error((*place, "eta"), f"`eta` is {eta:g}; it must be above 1", hint)
    strict = findings.flag((*place, "strict"), mapping.get("strict", True))
    _check_form(mapping, findings)
    if any(problem.severity == "error" for problem in findings.problems[before:]):
        return None
    hyperband = Hyperband(**figures, eta=float(eta or ETA), strict=bool(strict))
    _check_rungs(hyperband, findings)
    return hyperband


def _check_type(mapping: Mapping[str, Any], findings: Findings) -> None:
    place: Place = ("early_terminate", "type")
    if "type" not in mapping and misspelt("type", mapping, STOPPING):
        return
    if "type" not in mapping:
        findings.error(place[:1], "`early_terminate` needs `type`", "write `type: hyperband`")
    elif mapping["type"] != "hyperband":
        hint = "write `type: hyperband`, or `swept: {early_stopping: auto}` instead"
        findings.error(place, f"`type` is {shown(mapping['type'])}", hint)


def _figures(mapping: Mapping[str, Any], findings: Findings) -> dict[str, int | None]:
    figures: dict[str, int | None] = {}
    for key in ("min_iter", "max_iter", "s"):
        if key in mapping:
            figures[key] = findings.whole(("early_terminate", key), mapping[key], 1)
    return figures


def _check_form(mapping: Mapping[str, Any], findings: Findings) -> None:
    place: Place = ("early_terminate",)
    least, most, s = (key in mapping for key in ("min_iter", "max_iter", "s"))
    if any(misspelt(key, mapping, STOPPING) for key in ("min_iter", "max_iter", "s")):
        return
    if not least and not most:
        hint = "write `min_iter: N`: the first report at which runs are judged"
        findings.error(place, "`early_terminate` needs `min_iter`, or `max_iter` with `s`", hint)
    elif most and not s:
        hint = "add `s: 3` (how many rungs), or write `min_iter` instead"
        findings.error((*place, "max_iter"), "`max_iter` needs `s` beside it", hint)
    elif most and least:
        hint = "keep one of them"
        findings.warning(
            (*place, "min_iter"), "`min_iter` has no effect beside `max_iter` and `s`", hint
        )


def _check_rungs(hyperband: Hyperband, findings: Findings) -> None:
    if hyperband.max_iter is not None and hyperband.max_iter / hyperband.eta < 1:
        message = "`max_iter` divided by `eta` is below 1: no rungs"
        hint = "`max_iter` is the number of reports of a full run"
        findings.error(("early_terminate", "max_iter"), message, hint)


# -- command --------------------------------------------------------------------------------------


def read_command(top: Mapping[str, Any], findings: Findings) -> tuple[str, ...] | None:
    if "command" not in top:
        return None
    place: Place = ("command",)
    command = top["command"]
    if not isinstance(command, list):
        findings.error(
            place, f"`command` is {kind_of(command)}; it takes a list", _as_list(command)
        )
        return None
    if not command:
        hint = "leave it out for W&B's: `${env} ${interpreter} ${program} ${args}`"
        findings.error(place, "`command` is empty", hint)
        return None
    words: list[str] = []
    for i, word in enumerate(command):
        if isinstance(word, str | int | float) and not isinstance(word, bool):
            words.append(str(word))
            _check_macros(str(word), (*place, i), findings)
        else:
            findings.error(
                (*place, i),
                f"`{dotted((*place, i))}` is {kind_of(word)}; it takes text",
                "put it in quotes",
            )
    if "${program}" in words and "program" not in top:
        findings.error(
            place,
            "`command` has `${program}`, but there is no `program`",
            "add `program: train.py`",
        )
    return tuple(words)


def _as_list(command: Any) -> str:
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        words = []
    listed = (
        ", ".join(f'"{word}"' for word in words) or '"${env}", "python", "${program}", "${args}"'
    )
    return f"write `command: [{listed}]`"


def _check_macros(word: str, place: Place, findings: Findings) -> None:
    for name in _MACRO.findall(word):
        if _VARIABLE.fullmatch(name):
            continue
        if name.startswith("envvar:"):
            hint = "write `${envvar:NAME}` with capital letters, digits and `_`"
            findings.error(place, f"`${{{name}}}` names no environment variable", hint)
        elif name not in MACROS:
            hint = did_you_mean(name, MACROS)
            if hint.startswith("did"):
                hint = hint.replace("`", "`${", 1).replace("`?", "}`?")
            findings.error(place, f"`${{{name}}}` is no macro", hint)
        elif word != f"${{{name}}}":
            hint = "make it an item of its own"
            findings.warning(
                place, f"`${{{name}}}` inside of other text stays as it is, as with W&B", hint
            )
