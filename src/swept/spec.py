"""A sweep file → `Spec`: every problem at once, the canonical form that the store keeps, and its hash."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import yaml

from swept.errors import Problem, SpecError
from swept.model import Config, Goal
from swept.rules import Rules
from swept.space import Parameter, Space, number
from swept.sweepfile import adapter, agreement, schema
from swept.sweepfile.document import Document, from_python, load
from swept.sweepfile.findings import Findings, kind_of, misspelt
from swept.sweepfile.options import Oom, Options, Price, inactive, read_options
from swept.sweepfile.parameters import read_space
from swept.sweepfile.schema import Hyperband, Metric
from swept.ultralytics.facts import Inert

FORMAT: Final = 1
_TEXTS: Final = schema.TEXTS


@dataclass(frozen=True)
class Spec:
    """A sweep as its file describes it, checked.

    `inert`: parameters that certainly cannot act, by name; `inactive`: keys that are valid and do nothing yet.
    `source` is the file without `swept:`, where there was a file.
    """

    method: str
    space: Space
    metric: Metric | None = None
    program: str | None = None
    command: tuple[str, ...] | None = None
    name: str | None = None
    description: str | None = None
    project: str | None = None
    entity: str | None = None
    run_cap: int | None = None
    early_terminate: Hyperband | None = None
    options: Options = field(default_factory=Options)
    inert: Mapping[str, Inert] = field(default_factory=dict)
    inactive: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    source: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def active(self) -> tuple[Parameter, ...]:
        """What bayes and random search; the grid keeps all."""
        return tuple(p for p in self.space.parameters if p.name not in self.inert)

    @property
    def max_runs(self) -> int | None:
        """How many runs may be started at most (`run_cap` and `budget.runs`); None without a limit."""
        limits = [limit for limit in (self.run_cap, self.options.budget_runs) if limit is not None]
        return min(limits, default=None)

    @cached_property
    def rules(self) -> Rules:
        """What the parameters have to keep together, and when they act."""
        options, known = self.options, self.options.adapter
        return Rules.of(
            self.space,
            options.constraints,
            options.conditions,
            lambda name: adapter.default(known, name),
            options.baseline or {},
            {} if self.method == "grid" else {n: i.default for n, i in self.inert.items()},
        )

    @property
    def grid_size(self) -> int | None:
        """How many points W&B's grid has under the rules; None where a parameter has no finite grid."""
        size = self.space.grid_size()
        return len(self.rules.grid) if size is not None and self.rules else size

    def epochs_of(self, config: Config) -> int | None:
        """The steps of a full run with `config`; None where that is not known."""
        named = self.options.epochs
        if named is None or isinstance(named, int):
            return named
        value = self.space.get(config, named, adapter.default(self.options.adapter, named))
        return int(value) if number(value) and value >= 1 else None

    def given(self, config: Config, seed: int | None) -> dict[str, Any]:
        """What the program gets: a run's `config`, and its seed as the parameter that `swept.seed` names."""
        if self.options.seed is None or seed is None:
            return dict(config)
        return self.space.put(config, self.options.seed, seed)

    def with_baseline(self) -> dict[str, Any] | None:
        """The baseline's full config: `swept.baseline`, the adapter's defaults, the constants. None without one."""
        given = self.options.baseline
        if given is None:
            return None
        values = {
            p.name: p.typed(adapter.default(self.options.adapter, p.name)) for p in self.space
        }
        return self.space.config({**values, **given})

    # -- other forms ------------------------------------------------------------------------------

    def canonical(self) -> dict[str, Any]:
        """JSON values that say all there is to know; `from_canonical` reads them. Order of keys has no meaning.

        `derived` follows from the rest and from what this version of swept knows; it does not enter the hash.
        """
        form: dict[str, Any] = {"format": FORMAT, "method": self.method}
        form["parameters"] = [_without_defaults(p, "name") for p in self.space]
        form["constants"] = [
            {"path": list(path), "value": value} for path, value in self.space.constants.items()
        ]
        if self.metric is not None:
            form["metric"] = _without_defaults(self.metric) | {"goal": str(self.metric.goal)}
        if self.early_terminate is not None:
            form["early_terminate"] = dataclasses.asdict(self.early_terminate)
        for key in (*_TEXTS, "command", "run_cap"):
            if getattr(self, key) is not None:
                form[key] = _jsonable(getattr(self, key))
        form["swept"] = _without_defaults(self.options)
        inert = {name: dataclasses.asdict(found) for name, found in self.inert.items()}
        form["derived"] = {"inert": inert, "inactive": list(self.inactive)}
        return form

    @property
    def hash(self) -> str:
        """sha256 (hex) of the canonical form."""
        form = {key: value for key, value in self.canonical().items() if key != "derived"}
        text = json.dumps(form, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def wandb_yaml(self) -> str:
        """The sweep as a file for W&B's own tools: without `swept:`."""
        mapping = self.source if self.source is not None else self._as_wandb()
        return yaml.safe_dump(dict(mapping), sort_keys=False, allow_unicode=True)

    def _as_wandb(self) -> dict[str, Any]:
        form: dict[str, Any] = {}
        for key in ("name", "description", "project", "entity", "program"):
            if getattr(self, key) is not None:
                form[key] = getattr(self, key)
        form["method"] = self.method
        if self.metric is not None:
            form["metric"] = _without_defaults(self.metric) | {"goal": str(self.metric.goal)}
        form["parameters"] = self._wandb_parameters()
        if self.early_terminate is not None:
            stopping = dataclasses.asdict(self.early_terminate)
            given = {key: value for key, value in stopping.items() if value is not None}
            form["early_terminate"] = {"type": "hyperband", **given}
        if self.run_cap is not None:
            form["run_cap"] = self.run_cap
        if self.command is not None:
            form["command"] = list(self.command)
        return form

    def _wandb_parameters(self) -> dict[str, Any]:
        entries = {p.path: _wandb_parameter(p, self.method) for p in self.space}
        entries |= {path: {"value": value} for path, value in self.space.constants.items()}
        top: dict[str, Any] = {}
        for path, entry in sorted(entries.items()):
            group = top
            for key in path[:-1]:
                group = group.setdefault(key, {"parameters": {}})["parameters"]
            group[path[-1]] = entry
        return top


def parse(text: str, path: str = "", *, strict: bool = False) -> Spec:
    """Raises `SpecError` with every problem of the file. `strict` refuses parameters that cannot act.

    Of the disk only the dataset beside `path` is looked at, if it is there: its labels decide what can act.
    """
    return _spec(load(text, path), path, strict)


def parse_mapping(mapping: Mapping[str, Any], *, strict: bool = False) -> Spec:
    """The same for a Python mapping, as `wandb.sweep` takes it."""
    return _spec(from_python(mapping), "", strict)


def examine(
    text: str, path: str = "", *, strict: bool = False
) -> tuple[Spec | None, list[Problem]]:
    """The spec (None with errors) and everything that is wrong or notable, in the order of the file."""
    try:
        document = load(text, path)
    except SpecError as error:
        return None, list(error.problems)
    spec = _read(document, path, strict)
    return spec, document.findings.in_order()


def from_canonical(mapping: Mapping[str, Any]) -> Spec:
    """What `canonical` wrote; nothing is checked again."""
    parameters = tuple(_parameter(entry) for entry in mapping["parameters"])
    constants = {tuple(entry["path"]): entry["value"] for entry in mapping["constants"]}
    metric = mapping.get("metric")
    stopping = mapping.get("early_terminate")
    derived = mapping.get("derived", {})
    command = mapping.get("command")
    texts: dict[str, Any] = {key: mapping.get(key) for key in _TEXTS}
    return Spec(
        method=mapping["method"],
        space=Space(parameters, constants),
        metric=None if metric is None else Metric(**{**metric, "goal": Goal(metric["goal"])}),
        command=None if command is None else tuple(command),
        run_cap=mapping.get("run_cap"),
        early_terminate=None if stopping is None else Hyperband(**stopping),
        options=_options(mapping.get("swept", {})),
        inert={name: Inert(**found) for name, found in derived.get("inert", {}).items()},
        inactive=tuple(derived.get("inactive", ())),
        **texts,
    )


def _spec(document: Document, path: str, strict: bool) -> Spec:
    spec = _read(document, path, strict)
    if spec is None:
        errors = [p for p in document.findings.in_order() if p.severity == "error"]
        raise SpecError(errors, path)
    return spec


def _read(document: Document, path: str, strict: bool) -> Spec | None:
    """None with errors; they are in the document's findings."""
    findings = document.findings
    top = document.value
    if not isinstance(top, Mapping):
        hint = "a sweep file is a mapping with `method` and `parameters` at its top"
        held = "nothing" if top is None else kind_of(top)
        findings.error((), f"the file holds {held}", hint)
        return None
    schema.check_keys(top, findings)
    method = schema.read_method(top, findings)
    metric = schema.read_metric(top, method, findings)
    space = _space(top, findings)
    texts: dict[str, Any] = {key: schema.read_text(top, key, findings) for key in _TEXTS}
    command = schema.read_command(top, findings)
    run_cap = schema.read_run_cap(top, findings)
    stopping = schema.read_hyperband(top, findings)
    options = read_options(top.get("swept"), findings)
    inert, likely = _acting(options, space, metric, findings, path, strict)
    given = agreement.Given(top, method, metric, space, stopping, options, likely, inert)
    options = agreement.settle(given, findings)
    waiting = inactive(options)
    wrong = {problem.key for problem in findings.problems if problem.severity == "error"}
    for key in waiting:
        if key not in wrong:
            findings.note(tuple(key.split(".")), f"`{key}` is right, and not active yet")
    if findings.failed or method is None:
        return None
    source = {key: value for key, value in top.items() if key != "swept"}
    return Spec(
        method=method,
        space=space,
        metric=metric,
        command=command,
        run_cap=run_cap,
        early_terminate=stopping,
        options=options,
        inert=inert,
        inactive=waiting,
        warnings=tuple(findings.in_order()),
        source=source,
        **texts,
    )


def _acting(
    options: Options,
    space: Space,
    metric: Metric | None,
    findings: Findings,
    path: str,
    strict: bool,
) -> tuple[Mapping[str, Inert], str | None]:
    """What cannot act, and the adapter that the file does not name but probably means."""
    look = adapter.segments_beside(path)
    if options.adapter is not None:
        return adapter.check(space, metric, findings, strict=strict, segments=look), None
    likely = adapter.likely(space, metric)
    if likely is not None:
        adapter.hint_at(likely, space, findings, strict=strict, segments=look)
    return {}, likely


def _space(top: Mapping[str, Any], findings: Findings) -> Space:
    if "parameters" in top:
        return read_space(top["parameters"], findings)
    if misspelt("parameters", top, schema.KEYS):
        return Space(())
    hint = "write `parameters: {lr: {min: 0.001, max: 0.1}}`"
    findings.error((), "`parameters` is missing", hint)
    return Space(())


# -- canonical form -------------------------------------------------------------------------------


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return list(value) if isinstance(value, tuple) else value


def _without_defaults(value: Any, *skip: str) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    made: dict[str, Any] = {}
    for member in dataclasses.fields(value):
        default = member.default
        if member.default_factory is not dataclasses.MISSING:
            default = member.default_factory()
        found = getattr(value, member.name)
        if member.name not in skip and (default is dataclasses.MISSING or found != default):
            made[member.name] = _jsonable(found)
    return made


def _parameter(entry: Mapping[str, Any]) -> Parameter:
    fields = {**entry, "path": tuple(entry["path"]), "values": tuple(entry.get("values", ()))}
    if "probabilities" in entry:
        fields["probabilities"] = tuple(entry["probabilities"])
    return Parameter(name=".".join(entry["path"]), **fields)


def _options(entry: Mapping[str, Any]) -> Options:
    fields = dict(entry)
    for key in ("constraints", "warm_start"):
        if key in fields:
            fields[key] = tuple(fields[key])
    if fields.get("oom") is not None:
        fields["oom"] = Oom(**fields["oom"])
    if fields.get("price") is not None:
        fields["price"] = Price(**fields["price"])
    return Options(**fields)


def _wandb_parameter(parameter: Parameter, method: str) -> dict[str, Any]:
    if parameter.kind == "categorical":
        entry: dict[str, Any] = {"values": list(parameter.values)}
        if parameter.probabilities is not None and method != "grid":
            entry["probabilities"] = list(parameter.probabilities)
        return entry
    entry = {"distribution": parameter.distribution}
    names = {"low": "min", "high": "max", "q": "q"}
    if parameter.low is None:
        bell = "normal" in parameter.distribution
        names = {"mu": "mu", "sigma": "sigma", "q": "q"} if bell else {"a": "a", "b": "b", "q": "q"}
    for attribute, key in names.items():
        value = getattr(parameter, attribute)
        if value is not None:
            entry[key] = value
    return entry
