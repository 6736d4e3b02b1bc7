"""A configuration for reading: flat, grouped by what the values do, beside the baseline's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swept.failures import flat as pairs
from swept.model import Config
from swept.ultralytics.facts import GROUPS

GROUP_ORDER = ("learning rate", "augmentation", "regularization", "other")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a configuration. `baseline` is None where the baseline has no such value."""

    name: str
    value: Any
    baseline: Any
    fixed: bool
    inert: str = ""  # why it cannot act, "" where it can


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    settings: tuple[Setting, ...]


def flat(config: Config) -> dict[str, Any]:
    """Nested mappings as dotted names: {"optimizer": {"lr": 1}} → {"optimizer.lr": 1}."""
    return dict(pairs(config))


def value_in(config: Config, name: str) -> Any:
    """The value of a dotted name, None without one."""
    found: Any = config
    for key in name.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return config.get(name)
        found = found[key]
    return found


def grouped(
    config: Config,
    *,
    swept: frozenset[str],
    baseline: Config | None = None,
    inert: Mapping[str, str] | None = None,
    adapter: str | None = None,
) -> tuple[Group, ...]:
    """The swept settings in their groups, then the fixed ones; empty groups are left out.

    `swept` and the keys of `inert` (name → why) are dotted names.
    """
    other = flat(baseline or {})
    reasons = inert or {}
    settings = [
        Setting(name, value, other.get(name), name not in swept, reasons.get(name, ""))
        for name, value in flat(config).items()
    ]
    chosen = [setting for setting in settings if not setting.fixed]
    groups = [
        Group(title, tuple(s for s in chosen if _group(s.name, adapter) == title))
        for title in (GROUP_ORDER if adapter == "ultralytics" else ("parameters",))
    ]
    groups.append(Group("fixed", tuple(setting for setting in settings if setting.fixed)))
    return tuple(group for group in groups if group.settings)


def differing_fixed(
    one: Config, other: Config, fixed: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """The declared fixed keys whose values differ between two effective configurations."""
    left, right = flat(one), flat(other)
    return {
        name: (left[name], right[name])
        for name in flat(fixed)
        if name in left and name in right and left[name] != right[name]
    }


def _group(name: str, adapter: str | None) -> str:
    return GROUPS.get(name, "other") if adapter == "ultralytics" else "parameters"
