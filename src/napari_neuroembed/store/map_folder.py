"""Maps of a run on disk: ``maps/<set>_<name>/``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.store.run_folder import check_name
from napari_neuroembed.store.schema import MAP_COLUMNS
from napari_neuroembed.store.tables import read_table

_TABLE, _VALUES = "maps.parquet", "maps.npy"


def write_maps(
    run: Path, name: str, table: pd.DataFrame, values: NDArray[np.float32]
) -> Path:
    """Write maps, or replace those of the same name; row i belongs to map i."""
    check_name("Maps", name)
    if len(table) != len(values):
        raise RunFolderError(
            f"Maps {name!r}: {len(table)} rows but {len(values)} maps."
        )
    target = run / "maps" / name
    files.recover_inside(target.parent)
    with files.write_folder(target) as build:
        table[list(MAP_COLUMNS)].to_parquet(build / _TABLE, index=False)
        np.save(build / _VALUES, values, allow_pickle=False)
    return target


def read_maps(run: Path, name: str) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Return the table of maps and their values.

    Raises
    ------
    DataError, RunFolderError
        When they are missing or damaged.
    """
    check_name("Maps", name)
    folder = run / "maps" / name
    files.settle(folder)
    if not folder.is_dir():
        known = ", ".join(sorted(p.name for p in folder.parent.glob("[!.]*")))
        raise RunFolderError(
            f"Run {run.name!r} has no maps {name!r}. Known: {known or 'none'}. Make "
            f"them with neuroembed evaluate PROJECT {run.name} --maps."
        )
    with files.unchanged(folder):
        files.check_folder(folder, contents=True)
        table = read_table(folder / _TABLE)
        values = np.load(folder / _VALUES, allow_pickle=False)
    if len(values) != len(table):
        raise RunFolderError(f"{folder} has {len(table)} rows but {len(values)} maps.")
    return table, np.asarray(values, dtype=np.float32)
