"""swept: hyperparameter sweeps on your own hardware.

The names below are the SDK for training scripts, and `show` for notebooks; each is imported when it is first used, so
that `import swept` costs nothing in a training process.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swept.notebook import show as show
    from swept.sdk import Run as Run
    from swept.sdk import init as init

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "init", "show"]

_LAZY = {"init": "swept.sdk", "Run": "swept.sdk", "show": "swept.notebook"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'swept' has no attribute '{name}'")
