"""Lets torchvision's CUDA wheel run beside a CPU build of PyTorch, by giving it the one operator it misses.

The usual torchvision wheel links against CUDA. Next to a CPU-only PyTorch its compiled part cannot
be loaded, and `import torchvision` fails with "operator torchvision::nms does not exist". Training
a detector needs nothing of that part except non-maximum suppression. `install()` tries the real
operators first and does nothing where they load, so with a GPU, or with torchvision's own CPU
build, this file has no effect.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

_kept: list[torch.library.Library] = []  # the operators live as long as their library object


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Indices (K,) of the boxes to keep, best score first.

    `boxes` (N, 4) are x1, y1, x2, y2 in pixels; `scores` is (N,). Greedy: the best box stays and
    takes away every box that overlaps it by more than `iou_threshold`.
    """
    left, top, right, bottom = boxes.detach().float().numpy().T
    area = (right - left) * (bottom - top)
    waiting = np.argsort(-scores.detach().float().numpy(), kind="stable")
    keep: list[int] = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        keep.append(int(best))
        width = np.minimum(right[best], right[waiting]) - np.maximum(left[best], left[waiting])
        height = np.minimum(bottom[best], bottom[waiting]) - np.maximum(top[best], top[waiting])
        shared = np.clip(width, 0, None) * np.clip(height, 0, None)
        waiting = waiting[shared <= iou_threshold * (area[best] + area[waiting] - shared)]
    return torch.tensor(keep, dtype=torch.int64)


def install() -> bool:
    """Call before anything imports torchvision. True if the substitute was needed."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None or _kept:
        return bool(_kept)
    compiled = next(Path(spec.origin).parent.glob("_C.*"), None)
    try:
        torch.ops.load_library(str(compiled))
        return False
    except OSError:
        pass
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):  # torchvision asks for both schemas while it is imported
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", nms, "CPU")
    _kept.append(library)
    from torchvision import extension

    extension._has_ops = lambda: True  # else every call of torchvision.ops refuses to run
    return True
