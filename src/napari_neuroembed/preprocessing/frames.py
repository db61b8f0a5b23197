"""First pass over the images: what each frame is worth and how far it moved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.derived import write_array
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.files import read_json, write_file, write_json
from napari_neuroembed.options.preprocessing import RegistrationOptions
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.registration import Float, RigidAligner
from napari_neuroembed.preprocessing.template import Anchor, anchor, build_template
from napari_neuroembed.progress import Report

LARGEST = 1e15
"""Largest value of a pixel that counts as one."""
_MOST_BAD = 0.05
_NAMED = 5


@dataclass(frozen=True)
class FrameTable:
    """What the first pass found.

    Parameters
    ----------
    table
        A row per frame: shift_y, shift_x, correlation, brightness, and the flags
        nonfinite, flat (all pixels equal) and at_limit (not to be aligned).
    holes
        (y, x): pixels that are not finite in any frame.
    template
        (y, x), or None without registration.
    facts
        Counts for the provenance.
    """

    table: pd.DataFrame
    holes: NDArray[np.bool_]
    template: Float | None
    facts: dict[str, Any]

    @property
    def shifts(self) -> NDArray[np.float64]:
        """Shifts (dy, dx) of every frame, shape (frame, 2)."""
        return self.table[["shift_y", "shift_x"]].to_numpy(dtype=np.float64)

    def flag(self, name: str) -> NDArray[np.bool_]:
        """Return one of the flags, shape (frame,)."""
        return self.table[name].to_numpy(dtype=bool)

    def usable(
        self, recorded: NDArray[np.bool_], where: str, accept: Collection[str]
    ) -> NDArray[np.bool_]:
        """Return the frames to use.

        Parameters
        ----------
        recorded
            Frames the source calls valid.
        where
            Recording, for error messages.
        accept
            Ids of problems that do not refuse: ``neural.nonfinite``,
            ``neural.unaligned`` (more than 5 % of frames), ``neural.constant``.

        Raises
        ------
        DataError
            For problems that were not accepted.
        """
        valid, problems = self.judge(recorded)
        refuse(problems, f"Recording {where!r}", accept)
        return valid

    def judge(
        self, recorded: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], list[Problem]]:
        """Return the frames to use, and what refuses the others unless accepted."""
        nonfinite, flat = self.flag("nonfinite"), self.flag("flat")
        limit = self.flag("at_limit") & ~nonfinite & ~flat
        problems = [
            *_too_many(
                nonfinite, "neural.nonfinite", "hold NaN, Inf or values above 1e15"
            ),
            *_too_many(
                limit,
                "neural.unaligned",
                "could not be aligned within preprocessing.registration.max_shift",
            ),
        ]
        is_constant = bool((flat | nonfinite)[recorded].all()) and bool(flat.any())
        if is_constant:
            text = "every frame is constant: there is no image in it."
            problems = [Problem("neural.constant", "error", text)]
        bad = nonfinite if is_constant else nonfinite | flat | limit
        return recorded & ~bad, problems

    def save(self, folder: Path) -> None:
        """Write all of it into a folder being built."""
        write_file(folder / "frames.parquet", lambda path: _to_parquet(self, path))
        write_array(folder / "holes.npy", self.holes)
        if self.template is not None:
            write_array(folder / "template.npy", self.template)
        write_json(folder / "facts.json", self.facts)

    @classmethod
    def load(cls, folder: Path) -> FrameTable:
        """Read what :meth:`save` wrote."""
        template = folder / "template.npy"
        return cls(
            table=pd.read_parquet(folder / "frames.parquet"),
            holes=np.load(folder / "holes.npy", allow_pickle=False),
            template=np.load(template, allow_pickle=False)
            if template.exists()
            else None,
            facts=read_json(folder / "facts.json"),
        )


def wanted_reference(
    options: RegistrationOptions, reference: Float | None
) -> Float | None:
    """Return the template of the animal's first recording where options use it."""
    if options.method == "none" or options.reference == "recording":
        return None
    return reference


def measure_frames(
    stack: NativeStack,
    options: RegistrationOptions,
    *,
    reference: Float | None,
    max_memory_mb: int,
    report: Report,
) -> FrameTable:
    """Look at every frame once.

    Parameters
    ----------
    stack
        The raw images.
    options
        Whether and how motion is measured.
    reference
        Template of the animal's first recording, to land in the same place; see
        :func:`wanted_reference`.
    max_memory_mb
        Memory for chunks.
    report
        Called per chunk.
    """
    template, aligner, placed = None, None, None
    if options.method == "rigid":
        report("template", 0, 1)
        template = build_template(_sample(stack, options, max_memory_mb), options)
        aligner = RigidAligner(
            template, max_shift=options.max_shift, upsample=options.upsample
        )
        if reference is not None:
            placed = anchor(template, reference, options.upsample)
    holes = np.ones(stack.shape, dtype=bool)
    rows = []
    for first, stop in stack.chunks(max_memory_mb):
        functional, motion = stack.read(first, stop)
        lost = _nonfinite(functional, motion)
        if lost is None:
            holes[...] = False
        else:
            holes &= lost.all(axis=0)
        rows.append(_look_at(functional, motion, lost, aligner))
        report("registration", stop, stack.n_frames)
    table = pd.concat(rows, ignore_index=True)
    table["nonfinite"] = table.pop("n_lost").to_numpy() > int(holes.sum())
    if placed is not None and placed.used:
        table["shift_y"] += placed.shift[0]
        table["shift_x"] += placed.shift[1]
        template = reference
    facts = _facts(stack, options, table, holes, placed)
    return FrameTable(table, holes, template, facts)


def _sample(
    stack: NativeStack, options: RegistrationOptions, max_memory_mb: int
) -> Float:
    """Read frames for the template; fewer where they would not fit into memory."""
    frame_bytes = stack.height * stack.width * 4
    most = max(2, max_memory_mb * 2**20 // (4 * frame_bytes))
    wanted = min(options.reference_frames, most)
    images = []
    for _, motion in stack.each(stack.sample(wanted, stack.stream.valid)):
        lost = _nonfinite(motion[None], motion[None])
        image = motion.astype(np.float32) if lost is None else _filled(motion, lost[0])
        if np.ptp(image) > 0:
            images.append(image)
    if not images:
        return np.zeros((1, *stack.shape), dtype=np.float32)
    return np.stack(images)


def _look_at(
    functional: NDArray[Any],
    motion: NDArray[Any],
    lost: NDArray[np.bool_] | None,
    aligner: RigidAligner | None,
) -> pd.DataFrame:
    n = len(functional)
    if lost is not None and lost.any():
        same = motion is functional
        functional = np.stack(
            [_filled(f, x) for f, x in zip(functional, lost, strict=True)]
        )
        motion = (
            functional
            if same
            else np.stack([_filled(f, x) for f, x in zip(motion, lost, strict=True)])
        )
    lowest, highest = functional.min(axis=(1, 2)), functional.max(axis=(1, 2))
    columns: dict[str, Any] = {
        "shift_y": np.zeros(n),
        "shift_x": np.zeros(n),
        "correlation": np.full(n, np.nan),
        "brightness": functional.mean(axis=(1, 2), dtype=np.float64),
        "flat": lowest == highest,
        "at_limit": np.zeros(n, dtype=bool),
        "n_lost": np.zeros(n, dtype=np.int64)
        if lost is None
        else lost.sum(axis=(1, 2)),
    }
    if aligner is not None:
        found = aligner.measure(motion)
        columns["shift_y"], columns["shift_x"] = found.shifts.T
        columns["correlation"] = found.correlation
        columns["at_limit"] = found.at_limit
    return pd.DataFrame(columns)


def _nonfinite(
    functional: NDArray[Any], motion: NDArray[Any]
) -> NDArray[np.bool_] | None:
    """Return the pixels that are no numbers in either channel; None for integers.

    Numbers above `LARGEST` count as none: sums of their squares have no end in float32.
    """
    if functional.dtype.kind != "f":
        return None
    lost = ~_usable(functional)
    if motion is not functional:
        lost |= ~_usable(motion)
    return np.asarray(lost)


def _usable(frames: NDArray[Any]) -> NDArray[np.bool_]:
    if frames.dtype.itemsize < 4:  # float16 holds no number as large
        return np.asarray(np.isfinite(frames))
    limit = frames.dtype.type(LARGEST)
    return np.asarray((frames < limit) & (frames > -limit))


def _filled(frame: NDArray[Any], lost: NDArray[np.bool_]) -> Float:
    """Return a frame with lost pixels set to the mean of the others."""
    good = frame[~lost]
    mean = float(good.mean(dtype=np.float64)) if good.size else 0.0
    return np.where(lost, np.float32(mean), frame).astype(np.float32)


def _too_many(flags: NDArray[np.bool_], id_: str, what: str) -> list[Problem]:
    share = float(flags.mean())
    if share <= _MOST_BAD:
        return []
    first = ", ".join(str(i) for i in np.flatnonzero(flags)[:_NAMED])
    text = (
        f"{int(flags.sum()):,} of {flags.size:,} frames ({share:.1%}) {what}, the "
        f"first at {first}; at most {_MOST_BAD:.0%} are masked without being asked."
    )
    return [Problem(id_, "error", text)]


def _facts(
    stack: NativeStack,
    options: RegistrationOptions,
    table: pd.DataFrame,
    holes: NDArray[np.bool_],
    placed: Anchor | None,
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "method": options.method,
        "nonfinite_frames": int(table["nonfinite"].sum()),
        "flat_frames": int(table["flat"].sum()),
        "unaligned_frames": int(table["at_limit"].sum()),
        "nonfinite_pixels": int(holes.sum()),
    }
    if options.method == "rigid":
        both = stack.anatomical is not None
        size = np.hypot(table["shift_y"].to_numpy(), table["shift_x"].to_numpy())
        facts["estimated_on"] = "anatomical" if both else "functional"
        facts["median_shift_px"] = float(np.median(size))
        facts["largest_shift_px"] = float(size.max())
        facts["mean_correlation"] = float(table["correlation"].mean())
    if placed is not None:
        facts["anchor"] = {
            "used": placed.used,
            "shift_y": placed.shift[0],
            "shift_x": placed.shift[1],
            "correlation": placed.correlation,
        }
    return facts


def _to_parquet(frames: FrameTable, path: Path) -> None:
    frames.table.to_parquet(path, index=False)
