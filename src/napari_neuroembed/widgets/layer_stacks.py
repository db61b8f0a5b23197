"""Open layers of any origin as files that a project can use; no window."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.project.names import name_problem
from napari_neuroembed.data.stacks import create_stack, stack_bytes
from napari_neuroembed.disk import free_bytes
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import write_folder

FILE_KINDS = (".tif", ".tiff")


@dataclass(frozen=True)
class LayerSource:
    """A layer as the source of a recording's neural stream.

    Parameters
    ----------
    data
        (time, y, x), lazily or in memory.
    path
        The file it was opened from, "" when there is none.
    """

    data: Any
    path: str = ""


def layer_source(layer: Any) -> LayerSource:
    """Return what a layer holds, refusing what is no movie.

    Raises
    ------
    DataError
        For a layer that is no grey image with a time axis.
    """
    shape = tuple(layer.data.shape)
    if getattr(layer, "rgb", False):
        raise DataError(f"Layer {layer.name!r} is in colour; a grey stack is needed.")
    if len(shape) != 3:
        raise DataError(
            f"Layer {layer.name!r} has the shape {shape}; a stack of (time, y, x) is "
            "needed. Choose another layer, or cut this one to three axes."
        )
    if shape[0] < 2:
        raise DataError(
            f"Layer {layer.name!r} has {shape[0]} frame; a movie is needed."
        )
    if np.dtype(layer.data.dtype).kind not in "uif":
        raise DataError(f"Layer {layer.name!r} holds {layer.data.dtype}, not numbers.")
    path = str(getattr(layer.source, "path", "") or "")
    return LayerSource(layer.data, path if path.lower().endswith(FILE_KINDS) else "")


def check_answers(animal: str, rate_hz: float) -> str:
    """Return what is wrong with what was asked, "" for nothing."""
    found = name_problem(animal)
    if found:
        return f"Animal: {found}"
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        return f"Rate (Hz) must be above 0; found {rate_hz:g}."
    return ""


def saving(source: LayerSource, folder: Path) -> Any:
    """Return work that writes a layer frame by frame to ``folder/neural.tif``.

    It yields (done, total) and returns the path. Integers stay what they are.
    """

    def work() -> Generator[tuple[int, int], None, Path | None]:
        shape, dtype = tuple(source.data.shape), np.dtype(source.data.dtype)
        wanted, free = stack_bytes(shape, dtype), free_bytes(folder.parent)
        if wanted > free:
            raise DataError(
                f"{folder} needs {wanted / 1e9:.1f} GB; {free / 1e9:.1f} GB are free."
            )
        with write_folder(folder) as build:
            stack = create_stack(build / "neural.tif", shape, dtype)
            for frame in range(shape[0]):
                stack[frame] = np.asarray(source.data[frame])
                if frame % 32 == 0:
                    yield frame, shape[0]
            stack.flush()
            del stack
        return folder / "neural.tif"

    return work
