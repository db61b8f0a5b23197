"""Writers of one array of 24 MB, ours and others', and how each is read back."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_neuroembed import files
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.training.checkpoint import latest, load_weights, save_checkpoint

SHAPE = (96, 256, 256)
"""Of the array of float32: 25 MB, every value the number of its version."""

Float = NDArray[np.float32]


class SilentlyWrongError(Exception):
    """A file that opened without a word and is not what was written."""


@dataclass(frozen=True)
class Writer:
    """Something that writes version after version to the same place.

    Parameters
    ----------
    name
        What is called.
    write
        Yields the number of every version whose write has returned.
    read
        Returns the version found; raises SilentlyWrongError, or what the library
        raises for a torn file.
    needs
        Module of a peer; ours when empty.
    """

    name: str
    write: Callable[[Path], Iterator[int]]
    read: Callable[[Path], int]
    needs: str = ""


def array_of(version: int) -> Float:
    return np.full(SHAPE, version, dtype=np.float32)


def version_of(found: Float, shape: tuple[int, ...] = SHAPE) -> int:
    """Return which version an array is; a mix or another shape is wrong."""
    if found.shape != shape:
        raise SilentlyWrongError(f"shape {found.shape}")
    if found.min() != found.max():
        raise SilentlyWrongError("a mix of versions")
    return int(found.flat[0])


def again(
    write: Callable[[Path, Float], object], name: str, path: Path
) -> Iterator[int]:
    """Write the next version to the same path, and so on."""
    for version in itertools.count(1):
        write(path / name, array_of(version))
        yield version


def plain(
    name: str,
    needs: str,
    write: Callable[[Path, Float], object],
    read: Callable[[Path], Float],
) -> Writer:
    """Return a library's own function, writing to the same path every time."""
    path = "array" + {"tifffile": ".tif", "numpy": ".npy"}.get(needs, "")
    return Writer(
        name, partial(again, write, path), lambda f: version_of(read(f / path)), needs
    )


def _torch_save(path: Path, array: Float) -> None:
    torch.save(torch.from_numpy(array), path)


def _torch_load(path: Path) -> Float:
    found: Float = torch.load(path, weights_only=True).numpy()
    return found


def _safetensors_save(path: Path, array: Float) -> None:
    from safetensors.numpy import save_file

    save_file({"array": array}, path)


def _safetensors_load(path: Path) -> Float:
    from safetensors.numpy import load_file

    found: Float = load_file(path)["array"]
    return found


def _tiff_save(path: Path, array: Float) -> None:
    import tifffile

    tifffile.imwrite(path, array)


def _tiff_load(path: Path) -> Float:
    import tifffile

    logging.getLogger("tifffile").disabled = True  # it says something of some of them
    found: Float = tifffile.imread(path)
    return found


def _zarr_save(path: Path, array: Float) -> None:
    import zarr

    stored = zarr.open_array(
        path, mode="a", shape=SHAPE, chunks=(8, 256, 256), dtype="float32"
    )
    stored[:] = array


def _zarr_load(path: Path) -> Float:
    import zarr

    return np.asarray(zarr.open_array(path, mode="r")[:])


def _write_file(path: Path, array: Float) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, array)

    files.write_file(path, save)


def _write_folder(path: Path, array: Float) -> None:
    with files.write_folder(path) as build:
        for name, part in zip("ab", np.split(array, 2), strict=True):
            np.save(build / f"{name}.npy", part)


def _read_folder(folder: Path) -> int:
    path = folder / "set"
    files.settle(path)
    files.check_folder(path, contents=True)
    return version_of(np.concatenate([np.load(path / f"{n}.npy") for n in "ab"]))


def _module(version: int) -> nn.Module:
    module = nn.Module()
    module.weight = nn.Parameter(torch.from_numpy(array_of(version)))
    return module


def _save_checkpoints(folder: Path) -> Iterator[int]:
    for step in itertools.count(1):
        save_checkpoint(folder, step, _module(step), {}, {"step": step}, keep=2)
        yield step


def _read_checkpoint(folder: Path) -> int:
    files.recover_inside(folder)
    checkpoint = latest(folder)
    if checkpoint.skipped:
        raise OSError(checkpoint.skipped)
    module = _module(0)
    load_weights(checkpoint, module)
    assert isinstance(module.weight, torch.Tensor)
    return version_of(module.weight.detach().numpy())


def _add_bouts(folder: Path) -> Iterator[int]:
    with AnnotationStore.open(folder / "annotations.sqlite") as store:
        store.add_rater("ana")
        store.add_action("walk")
        for n in itertools.count(1):
            store.add("r", "walk", 2.0 * n, 2.0 * n + 1, rater="ana")
            yield n


def _read_bouts(folder: Path) -> int:
    with AnnotationStore.open(folder / "annotations.sqlite") as store:
        problems = store.verify()
        if problems:
            raise OSError("; ".join(problems))
        return len(store.bouts())


WRITERS = (
    Writer(
        "write_file",
        partial(again, _write_file, "array.npy"),
        lambda folder: version_of(np.load(folder / "array.npy")),
    ),
    Writer("write_folder", partial(again, _write_folder, "set"), _read_folder),
    Writer("checkpoints", _save_checkpoints, _read_checkpoint),
    Writer("annotations, edits", _add_bouts, _read_bouts),
    plain("torch.save", "torch", _torch_save, _torch_load),
    plain("np.save", "numpy", np.save, np.load),
    plain("tifffile.imwrite", "tifffile", _tiff_save, _tiff_load),
    plain("safetensors save_file", "safetensors", _safetensors_save, _safetensors_load),
    plain("zarr, written in place", "zarr", _zarr_save, _zarr_load),
)
"""Ours, which must lose nothing, and what others offer, writing to the same path."""
