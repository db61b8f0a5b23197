"""How large anything that is made of one file may become."""

from __future__ import annotations

import psutil

MAX_RATIO = 200
"""A file that grows by more than this when decompressed is refused."""

CEILING = 64 << 30
"""Nothing larger is made, however much memory there is."""


def largest() -> int:
    """Return how many bytes one thing made of a file may have.

    Half of the memory of this machine, or of what this process is allowed where that
    is less (``ulimit -v``), and at most 64 GiB.
    """
    return min(_memory() // 2, CEILING)


def _memory() -> int:
    total = int(psutil.virtual_memory().total)
    if not hasattr(psutil, "RLIMIT_AS"):  # only Linux can be asked
        return total
    allowed, _ = psutil.Process().rlimit(psutil.RLIMIT_AS)
    return total if allowed == psutil.RLIM_INFINITY else min(total, allowed)
