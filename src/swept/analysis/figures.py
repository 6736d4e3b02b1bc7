"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any


def figure(value: Any) -> str:
    """Four significant digits for floats, `–` for nothing, everything else as it is."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    return str(value)


def span(hours: float) -> str:
    """`12 min`, `3.1 h`."""
    return f"{60.0 * hours:.2g} min" if hours < 1.0 else f"{hours:.3g} h"
