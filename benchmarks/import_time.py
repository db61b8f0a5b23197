"""What ``import napari_neuroembed`` costs in a fresh interpreter."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.measure import Ratio, Result, Row, Settings, interleaved

TARGET_S = 0.3
HEAVY = ("torch", "napari", "dask", "pandas")
SOURCE = Path(__file__).resolve().parents[1] / "src"

OURS, BARE = "import napari_neuroembed", "pass"


def run(settings: Settings) -> Result:
    """Time both programs; the error is the number of heavy libraries loaded."""
    times = interleaved(
        {name: partial(_python, name) for name in (OURS, BARE)}, settings
    )
    rows = [
        Row(
            variant=name,
            is_peer=name == BARE,
            value=statistics.median(times[name].cpu_s),
            unit="CPU s",
            cpu_s=statistics.median(times[name].cpu_s),
            wall_s=statistics.median(times[name].wall_s),
            error=float(len(heavy_modules(name))),
            error_unit="heavy libraries",
            repeats=settings.repeats,
        )
        for name in (OURS, BARE)
    ]
    each = [TARGET_S / max(s, 1e-9) for s in times[OURS].cpu_s]
    met = Ratio(
        OURS, f"{TARGET_S} s", statistics.median(each), min(each), max(each), 1.0
    )
    return Result(rows, (met,), {"heavy": list(HEAVY), "target_s": TARGET_S})


def heavy_modules(program: str) -> list[str]:
    """Return the heavy libraries that a program has loaded at its end."""
    code = f"import sys; {program}; print(*[n for n in {HEAVY!r} if n in sys.modules])"
    return _python(code).split()


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    return done.stdout
