"""A fitted transform of a run on disk: ``transforms/<name>/``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.store.schema import SCHEMA_VERSION

_FACTS = "transform.json"


def write_transform(
    run: Path,
    name: str,
    arrays: Mapping[str, NDArray[np.float64]],
    facts: Mapping[str, Any],
) -> None:
    """Write what a transform was fitted to, unless the run has it.

    Whoever else fits it at the same time comes to the same numbers.
    """
    target = run / "transforms" / name
    files.recover_inside(target.parent)
    with (
        contextlib.suppress(FileExistsError),
        files.write_folder(target, replace=False) as build,
    ):
        for key, values in arrays.items():
            np.save(build / f"{key}.npy", values, allow_pickle=False)
        about = {"schema_version": SCHEMA_VERSION, "name": name, **facts}
        files.write_json(build / _FACTS, about)


def has_transform(run: Path, name: str) -> bool:
    """Whether a run has a transform of that name."""
    folder = run / "transforms" / name
    files.settle(folder)
    return folder.is_dir()


def read_transform(
    run: Path, name: str
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
    """Return the arrays of a transform by name, and its facts.

    Raises
    ------
    DataError, RunFolderError
        When it is missing, damaged or of a newer version.
    """
    folder = run / "transforms" / name
    if not has_transform(run, name):
        known = ", ".join(sorted(p.name for p in folder.parent.glob("[!.]*")))
        raise RunFolderError(
            f"Run {run.name!r} has no transform {name!r}. Known: {known or 'none'}."
        )
    with files.unchanged(folder):
        files.check_folder(folder, contents=True)
        facts = dict(files.read_json(folder / _FACTS))
        if facts.get("schema_version", SCHEMA_VERSION) > SCHEMA_VERSION:
            raise RunFolderError(
                f"{folder} has schema_version {facts['schema_version']}; this version "
                f"reads up to {SCHEMA_VERSION}. Update napari-neuroembed."
            )
        arrays = {
            path.stem: np.load(path, allow_pickle=False)
            for path in sorted(folder.glob("*.npy"))
        }
    return arrays, facts
