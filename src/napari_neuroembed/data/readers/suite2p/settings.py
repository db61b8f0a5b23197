"""How suite2p was run: ``ops.npy``, or ``settings.npy`` and ``db.npy`` of version 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.array_header import read_header
from napari_neuroembed.data.readers.rates import RateClaim
from napari_neuroembed.data.unpickle import MAX_BYTES, load_pickle_bytes
from napari_neuroembed.errors import DataError

FILES = ("ops.npy", "settings.npy", "db.npy")


@dataclass(frozen=True)
class Settings:
    """What the settings of a plane say.

    Parameters
    ----------
    values
        By suite2p's own names; what ``ops.npy`` says comes first.
    claims
        Frames per second of this plane, by every file that states them.
    problems
        What could not be read.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[RateClaim, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """Height and width of the plane's images, if known."""
        height, width = self.values.get("Ly"), self.values.get("Lx")
        whole = (int, np.integer)
        if not isinstance(height, whole) or not isinstance(width, whole):
            return None
        return (int(height), int(width)) if height > 0 and width > 0 else None


def read_settings(plane: Path) -> Settings:
    """Read the settings of a plane through the restricted unpickler."""
    values: dict[str, Any] = {}
    claims, problems = [], []
    there = [plane / name for name in FILES if (plane / name).is_file()]
    if not there:
        text = f"{FILES[0]} is missing, so the frame rate must be given."
        problems.append(Problem("suite2p.ops", "warning", text, str(plane)))
    for path in there:
        try:
            found = load_object(path)
        except DataError as error:
            text = (
                f"the settings were not read, so what they say must be given: {error}"
            )
            problems.append(Problem("suite2p.ops", "warning", text, str(plane)))
            continue
        found = found if isinstance(found, dict) else {}
        values = {**found, **values}
        rate = found.get("fs")
        if isinstance(rate, int | float | np.floating) and float(rate) > 0:
            claims.append(RateClaim(float(rate), f"fs in {path}"))
    return Settings(values, tuple(claims), tuple(problems))


def load_object(path: Path) -> Any:
    """Return what an ``.npy`` of Python objects holds; never runs anything.

    Returns
    -------
    The object, or an array of objects when there are several.

    Raises
    ------
    DataError
        When it asks for a class, is damaged, or is too large.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{path} has {size:,} bytes; the limit is {MAX_BYTES:,}. [size.cap]"
        )
    with path.open("rb") as file:
        read_header(file, str(path))
        content = file.read()
    found = load_pickle_bytes(content, str(path))
    if isinstance(found, np.ndarray) and found.ndim == 0:
        return found.reshape(-1)[0]
    return found
