"""How every benchmark measures: variants in turn, medians, ratios, and an error."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SCHEMA_VERSION = 2
_LIBRARIES = (
    "napari-neuroembed",
    "torch",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "tifffile",
    "pandas",
    "zarr",
    "faiss-cpu",
    "pystackreg",
)
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Settings:
    """What the command line chose.

    Parameters
    ----------
    device
        Where to compute.
    quick
        A smaller input and 3 repeats instead of 5.
    threads
        Threads of torch and of the libraries below numpy.
    """

    device: Device = "cpu"
    quick: bool = False
    threads: int = 1

    @property
    def repeats(self) -> int:
        """Number of times every variant is measured."""
        return 3 if self.quick else 5

    @property
    def second(self) -> str:
        """What speeds are given per."""
        return "CPU s" if self.device == "cpu" else "s"

    @property
    def warm_ups(self) -> int:
        """Number of times every variant runs before that."""
        return 1 if self.device == "cpu" else 10


@dataclass(frozen=True)
class Times:
    """Seconds of every repeat of one variant; on a GPU those of the wall count."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    device: Device = "cpu"

    @property
    def counted_s(self) -> list[float]:
        """The seconds that speeds and ratios are made of."""
        return self.cpu_s if self.device == "cpu" else self.wall_s


@dataclass(frozen=True)
class Row:
    """One variant.

    Parameters
    ----------
    variant
        Its name.
    is_peer
        Whether it is what we compare with.
    value, unit
        The figure of merit, the median of the repeats.
    cpu_s, wall_s
        Medians.
    error, error_unit
        How far its result is from the reference, always beside the speed.
    error_limit
        Largest error that is allowed.
    counts
        Named figures of what is no speed, printed instead of the time.
    """

    variant: str
    is_peer: bool
    value: float | None
    unit: str
    cpu_s: float | None = None
    wall_s: float | None = None
    error: float | None = None
    error_unit: str = ""
    error_limit: float | None = None
    repeats: int = 0
    status: Literal["done", "skipped"] = "done"
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the error is within its limit; None without a limit."""
        if self.error_limit is None or self.error is None:
            return None
        return self.error <= self.error_limit


@dataclass(frozen=True)
class Ratio:
    """How many times better ours is, over the repeats, and whether that is enough."""

    ours: str
    peer: str
    median: float
    low: float
    high: float
    target: float | None

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        return None if self.target is None else self.median >= self.target


@dataclass(frozen=True)
class Result:
    """What a benchmark found."""

    rows: Sequence[Row]
    ratios: Sequence[Ratio] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


def interleaved(
    variants: Mapping[str, Callable[[], object]], settings: Settings
) -> dict[str, Times]:
    """Measure variants in turn, so that a busy moment hits all of them alike."""
    for variant in variants.values():
        for _ in range(settings.warm_ups):
            variant()
    found = {name: Times(device=settings.device) for name in variants}
    for _ in range(settings.repeats):
        for name, variant in variants.items():
            wall_s, cpu_s = time.perf_counter(), cpu_seconds()
            variant()
            _finish(settings)
            found[name].cpu_s.append(cpu_seconds() - cpu_s)
            found[name].wall_s.append(time.perf_counter() - wall_s)
    return found


def ratio(
    ours: str,
    peer: str,
    times: Mapping[str, Times],
    work: Mapping[str, float],
    target: float | None = None,
) -> Ratio:
    """Compare work per second that counts, repeat by repeat.

    Parameters
    ----------
    ours, peer
        Names of two variants.
    times
        From :func:`interleaved`.
    work
        How much each of them did in one call, e.g. windows.
    target
        Smallest ratio that is enough.
    """
    each = [
        (work[ours] / max(a, 1e-9)) / (work[peer] / max(b, 1e-9))
        for a, b in zip(times[ours].counted_s, times[peer].counted_s, strict=True)
    ]
    return Ratio(ours, peer, statistics.median(each), min(each), max(each), target)


def at_least(
    ours: str, value: float, unit: str, times: Mapping[str, Times], work: float
) -> Ratio:
    """Compare a variant's work per second with a figure, which is the target."""
    each = [work / max(s, 1e-9) / value for s in times[ours].counted_s]
    return Ratio(
        ours, f"{value:g} {unit}", statistics.median(each), min(each), max(each), 1.0
    )


def measured(
    variant: str,
    times: Mapping[str, Times],
    work: float,
    unit: str,
    error: tuple[float, str],
    *,
    is_peer: bool = False,
    error_limit: float | None = None,
) -> Row:
    """Return the row of a variant that does `work` in one call.

    Parameters
    ----------
    variant
        Its name.
    times
        From :func:`interleaved`.
    work
        How much it does in one call, in the unit before "per CPU s".
    unit
        Of the figure of merit, e.g. "frames per CPU s".
    error
        How far its result is from the reference, and in what unit.
    is_peer
        Whether it is what we compare with.
    error_limit
        Largest error that is allowed.
    """
    return Row(
        variant,
        is_peer,
        value=work / max(statistics.median(times[variant].counted_s), 1e-9),
        unit=unit,
        cpu_s=statistics.median(times[variant].cpu_s),
        wall_s=statistics.median(times[variant].wall_s),
        error=error[0],
        error_unit=error[1],
        error_limit=error_limit,
        repeats=len(times[variant].cpu_s),
    )


def missing(module: str) -> str:
    """Return why a peer cannot run here; empty when it can."""
    if importlib.util.find_spec(module) is not None:
        return ""
    return f"{module} is not installed: pip install 'napari-neuroembed[bench]'"


def skipped(variant: str, reason: str) -> Row:
    """Return the row of a peer that did not run."""
    return Row(variant, True, None, "", status="skipped", reason=reason)


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those it waited for."""
    try:
        import resource
    except ImportError:  # Windows counts no children, and coarsely
        return time.process_time()
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def report(name: str, settings: Settings, result: Result) -> dict[str, Any]:
    """Return a result with everything needed to judge it later, JSON-ready."""
    from datetime import UTC, datetime

    ratios = [{**dataclasses.asdict(r), "met": r.met} for r in result.ratios]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "started_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "device": settings.device,
        "threads": settings.threads,
        "quick": settings.quick,
        "host": _host(settings),
        "versions": _versions(),
        "commit": _commit(),
        "parameters": dict(result.parameters),
        "rows": [{**dataclasses.asdict(row), "met": row.met} for row in result.rows],
        "ratios": ratios,
    }


def _finish(settings: Settings) -> None:
    """Wait for a GPU, which works on after the call has returned."""
    if settings.device == "cuda":
        import torch

        torch.cuda.synchronize()


def _host(settings: Settings) -> dict[str, Any]:
    import psutil

    gpu = ""
    if settings.device == "cuda":
        import torch

        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "cpu": _cpu(),
        "has_bf16": has_bf16(),
        "cores": os.cpu_count(),
        "load": round(psutil.getloadavg()[0], 2),
        "ram_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": gpu,
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _cpu() -> str:
    """Return the name of the processor; Python itself often knows only its kind."""
    found = _cpuinfo("model name")
    return found or platform.processor() or platform.machine()


def has_bf16() -> bool:
    """Return whether the processor multiplies bfloat16 by itself (as Linux tells)."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def _cpuinfo(name: str) -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")


def _commit() -> str:
    """Return the commit of the source, empty outside of git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
