"""``capture_metadata.json``: which frames of which camera were saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError, raise_all

NAME = "capture_metadata.json"
_COUNTS = "Frame Counts"
_MAX_BYTES = 256 << 20
_MOST = 1 << 40


@dataclass(frozen=True)
class Capture:
    """What the cameras saved.

    Parameters
    ----------
    path
        The file.
    fps
        Frames per second as set; 0 when not stated.
    numbers
        Per camera the true number of every saved frame, increasing.
    """

    path: Path
    fps: float
    numbers: Mapping[str, NDArray[np.int64]]

    @property
    def n_taken(self) -> int:
        """Frames taken, saved or lost; the same for all cameras."""
        return max(int(n[-1]) + 1 for n in self.numbers.values())

    def of_frames(self, n_frames: int, camera: str | None) -> NDArray[np.int64]:
        """Return the true numbers of the frames of one camera's film or poses.

        Parameters
        ----------
        n_frames
            Frames that were found.
        camera
            Its name; None when all cameras that saved so many saved the same.

        Raises
        ------
        DataError
            When no camera saved so many frames, or two saved different ones.
        """
        listed = ", ".join(f"{name}: {len(n):,}" for name, n in self.numbers.items())
        if camera is not None and camera not in self.numbers:
            raise DataError(
                f"{self.path}: there is no camera {camera!r}; frames per camera: "
                f"{listed}. [thor.cameras]"
            )
        found = [
            numbers
            for name, numbers in self.numbers.items()
            if camera in (None, name) and len(numbers) == n_frames
        ]
        if not found:
            raise DataError(
                f"{self.path}: {n_frames:,} frames were found, but the frames saved "
                f"per camera are {listed}. Take the poses or film of this recording, "
                "whole. [pose.length]"
            )
        if any(not np.array_equal(found[0], other) for other in found[1:]):
            raise DataError(
                f"{self.path}: the cameras lost different frames ({listed}). Say which "
                "camera: camera: NAME in the sync of project.yaml, --camera NAME. "
                "[thor.cameras]"
            )
        return found[0]


def is_capture(path: Path) -> bool:
    """Whether a file is one of the camera program, by its content."""
    if path.suffix != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        size = path.stat().st_size
        head = file.read(1 << 16)
        file.seek(max(0, size - (1 << 16)))
        return f'"{_COUNTS}"'.encode() in head + file.read(1 << 16)


def read_capture(path: Path) -> Capture:
    """Read a capture_metadata.json.

    Its keys are texts in the order of texts ("0", "1", "10"), so they are sorted as
    numbers.

    Raises
    ------
    DataError
        When it cannot be read, frames are missing or out of order, or the cameras did
        not take the same number of frames (`thor.cameras`).
    """
    values = _load(path)
    counts = values.get(_COUNTS)
    if not isinstance(counts, dict) or not counts:
        raise DataError(f'{path}: expected "{_COUNTS}" by camera. [thor.cameras]')
    problems: list[str] = []
    numbers = {
        str(camera): found
        for camera, frames in counts.items()
        if (found := _numbers(str(camera), frames, problems)) is not None
    }
    taken = {camera: int(n[-1]) + 1 for camera, n in numbers.items()}
    if len(set(taken.values())) > 1:
        listed = ", ".join(f"{camera}: {n:,}" for camera, n in taken.items())
        problems.append(
            f"the cameras are not synchronised; frames taken per camera: {listed}"
        )
    raise_all(problems, DataError, f"{path} [thor.cameras]")
    fps = values.get("FPS", 0)
    is_rate = isinstance(fps, int | float) and np.isfinite(fps) and fps > 0
    return Capture(path, float(fps) if is_rate else 0.0, numbers)


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path} has more than {_MAX_BYTES:,} bytes. [size.cap]")
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read as JSON ({error}). Copy it again. [thor.cameras]"
        ) from error
    if not isinstance(values, dict):
        raise DataError(f"{path}: expected names and values. [thor.cameras]")
    return values


def _numbers(camera: str, frames: Any, problems: list[str]) -> NDArray[np.int64] | None:
    """Return the true frame numbers of a camera, or add why not."""
    if not isinstance(frames, dict) or not frames:
        problems.append(f"camera {camera}: it saved no frame")
        return None
    try:
        pairs = sorted((int(saved), int(true)) for saved, true in frames.items())
    except (ValueError, TypeError, OverflowError):
        problems.append(f"camera {camera}: expected frame numbers, found other values")
        return None
    if pairs[0][1] < 0 or pairs[-1][1] > _MOST:
        problems.append(
            f"camera {camera}: frame numbers from {pairs[0][1]} to {pairs[-1][1]}"
        )
        return None
    odd = next((i for i, (saved, _) in enumerate(pairs) if saved != i), None)
    if odd is not None:
        problems.append(
            f"camera {camera}: saved frame {odd:,} is missing ({len(pairs):,} are "
            "there)"
        )
        return None
    true = np.array([number for _, number in pairs], dtype=object)
    back = np.flatnonzero(np.diff(true) <= 0)
    if back.size:
        i = int(back[0]) + 1
        problems.append(
            f"camera {camera}: saved frame {i:,} is frame {true[i]}, the one before it "
            f"{true[i - 1]}; they must increase"
        )
        return None
    return true.astype(np.int64)
