"""The search space as ConfigSpace writes it, for SMAC3 and DEHB."""

from __future__ import annotations

from typing import Any

from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from swept.space import Parameter
from swept.spec import Spec


def configuration_space(spec: Spec, seed: int) -> ConfigurationSpace:
    space = ConfigurationSpace(seed=seed)
    for parameter in spec.active:
        space.add(_hyperparameter(parameter))
    return space


def _hyperparameter(parameter: Parameter) -> Any:
    name = parameter.name
    if parameter.kind == "categorical":
        return CategoricalHyperparameter(name, list(parameter.values))
    low, high = parameter.range
    if parameter.kind == "int":
        return UniformIntegerHyperparameter(name, int(low), int(high), log=parameter.log)
    return UniformFloatHyperparameter(name, float(low), float(high), log=parameter.log)
