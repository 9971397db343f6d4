"""How much of a GPU a job needs: the most that PyTorch has held of it at once, where a program of this process uses one."""

from __future__ import annotations

import sys
from typing import Any

GB = 1e9


def count_anew() -> None:
    """From now on the peak is that of what comes."""
    if (cuda := _cuda()) is not None:
        cuda.reset_peak_memory_stats()


def peak_GB() -> float | None:
    """In 1e9 bytes, with what PyTorch keeps in reserve, without what the driver holds; None where no GPU was used."""
    cuda = _cuda()
    return None if cuda is None or not (held := cuda.max_memory_reserved()) else round(held / GB, 3)


def _cuda() -> Any:
    """PyTorch's, for ROCm too, if something has begun to use it: to load it here would cost a job that has no use for it seconds."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
