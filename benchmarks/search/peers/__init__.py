"""The methods of the benchmark: swept's own, and the peers with the environment that each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from peers.ablations import INGREDIENTS
from peers.driver import Peer, Setting

SLOW: Final = frozenset(
    {
        *("smac-bb", "hebo", "ax", "syne-mobster", "syne-hypertune", "syne-dyhpo"),
        *("optuna-gp", "optuna-gp-hyperband", "optuna-gp-sha", "optuna-gp-median"),
    }
)


@dataclass(frozen=True)
class Method:
    """`make` names the peer's class, "module:Class"; without one, swept's own search plays the sweep with `overlay`.

    `package`: what is installed from PyPI, with its version. `curves`: it stops or pauses runs, and so has no
    place in tasks of one step. `environment`: `.venvs/bench-<environment>`. `patches`: of swept's own, what is taken out
    (`peers.ablations`).
    """

    name: str
    title: str
    environment: str = "base"
    make: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    package: str = ""
    curves: bool = False
    overlay: Mapping[str, Any] = field(default_factory=dict)
    patches: Mapping[str, Any] = field(default_factory=dict)

    @property
    def process(self) -> str:
        """Which methods may share a process: none with one that is patched."""
        return f"{self.environment}:{self.name}" if self.patches else self.environment

    @property
    def slow(self) -> bool:
        """Whether a simulated sweep takes it many CPU seconds: it is played with fewer seeds and in fewer settings."""
        return self.name in SLOW

    def peer(self, setting: Setting) -> Peer | None:
        if self.make is None:
            return None
        module, name = self.make.split(":")
        made: Peer = getattr(import_module(f"peers.{module}"), name)(setting, **self.options)
        return made


def _swept(name: str, title: str, curves: bool = True, **overlay: Any) -> Method:
    return Method(name, title, curves=curves, overlay=overlay)


def _optuna(sampler: str, pruner: str = "none") -> Method:
    named = {"tpe": "TPE", "gp": "GP", "random": "random"}[sampler]
    stops = {"hyperband": " + Hyperband", "sha": " + SHA", "median": " + median", "none": ""}
    name = f"optuna-{sampler}" + ("" if pruner == "none" else f"-{pruner}")
    options = {"sampler": sampler, "pruner": pruner}
    title = f"Optuna {named}{stops[pruner]}"
    curves = pruner != "none"
    return Method(name, title, "base", "optuna:Optuna", options, "optuna==5.0.0", curves)


def _wandb(method: str, hyperband: bool) -> Method:
    name = f"wandb-{method}" + ("-hyperband" if hyperband else "")
    title = f"W&B {method}" + (" + hyperband" if hyperband else "")
    options = {"method": method, "hyperband": hyperband}
    return Method(name, title, "sweeps", "wandb:Wandb", options, "sweeps==0.3.0", hyperband)


def _syne(name: str, title: str, scheduler: str, rule: str | None) -> Method:
    options = {"scheduler": scheduler, "rule": rule}
    title = f"Syne Tune {title}"
    return Method(name, title, "syne", "syne:SyneTune", options, "syne-tune==0.13.0", True)


def _smac(facade: str, title: str) -> Method:
    curves = facade == "mf"
    options = {"facade": facade}
    return Method(
        f"smac-{facade}", f"SMAC3 {title}", "base", "smac:Smac", options, "smac==2.4.1", curves
    )


_ALL: Final = (
    _swept("swept", "swept", curves=False, swept={"early_stopping": "auto"}),
    _swept("swept-asha", "swept bayes + asha", swept={"early_stopping": "asha"}),
    _swept("swept-off", "swept bayes, no early stopping", curves=False),
    Method("random", "random", make="driver:Peer"),
    Method("asha", "random + ASHA", make="plain:Asha", curves=True),
    Method("one-epoch", "one epoch for many", make="plain:OneEpoch", curves=True),
    *(_wandb(method, hyperband) for method in ("bayes", "random") for hyperband in (False, True)),
    *(_optuna("tpe", pruner) for pruner in ("none", "hyperband", "sha", "median")),
    *(_optuna("gp", pruner) for pruner in ("none", "hyperband", "sha", "median")),
    *(_optuna("random", pruner) for pruner in ("hyperband", "sha")),
    _smac("bb", "black-box"),
    _smac("hpo", "HPO"),
    _smac("mf", "multi-fidelity"),
    Method("hebo", "HEBO", "hebo", "hebo:Hebo", package="HEBO==0.3.6"),
    Method("ax", "Ax (BoTorch)", "base", "ax:Ax", package="ax-platform==1.3.1"),
    _syne("syne-asha-stopping", "ASHA (stopping)", "ASHA", "stopping"),
    _syne("syne-asha-promotion", "ASHA (promotion)", "ASHA", "promotion"),
    _syne("syne-bohb", "BOHB", "BOHB", "promotion"),
    _syne("syne-mobster", "MOBSTER", "MOBSTER", "promotion"),
    _syne("syne-hypertune", "Hyper-Tune", "HyperTune", "promotion"),
    _syne("syne-dyhpo", "DyHPO", "DyHPO", None),
    Method("dehb", "DEHB", "dehb", "dehb:Dehb", package="dehb==0.1.2", curves=True),
    Method("hyperopt", "hyperopt TPE", "base", "hyperopt:Hyperopt", package="hyperopt==0.3.0"),
    Method(
        "ultralytics",
        "Ultralytics' tuner",
        "base",
        "ultralytics:Ultralytics",
        package="ultralytics==8.4.190",
    ),
)
_AUTO: Final[Mapping[str, Any]] = {"swept": {"early_stopping": "auto"}}
_WITHOUT: Final = tuple(
    Method(f"without-{n}", f"without {what}", curves=True, overlay=_AUTO, patches=patches)
    for n, (what, patches) in enumerate(INGREDIENTS.items(), 1)
)
METHODS: Final[Mapping[str, Method]] = {method.name: method for method in (*_ALL, *_WITHOUT)}
