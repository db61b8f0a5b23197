"""One set of embeddings on disk: a window table and an array per stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.store.schema import SCHEMA_VERSION
from napari_neuroembed.store.tables import read_table


def read_set(folder: Path, stream: str) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Return the window table and the embedding of one stream, memory-mapped.

    Raises
    ------
    DataError, RunFolderError
        When the folder is damaged, of a newer version, or rows do not match.
    """
    files.check_folder(folder)
    about = files.read_json(folder / "embedding.json")
    if about.get("schema_version", SCHEMA_VERSION) > SCHEMA_VERSION:
        raise RunFolderError(
            f"{folder} has schema_version {about['schema_version']}; this version "
            f"reads up to {SCHEMA_VERSION}. Update napari-neuroembed."
        )
    windows = read_table(folder / "windows.parquet")
    path = folder / f"{stream}.npy"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.npy")))
        raise RunFolderError(f"{folder}: no stream {stream!r}. Known: {known}.")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if len(array) != len(windows):
        raise RunFolderError(
            f"{path} has {len(array)} rows, its window table {len(windows)}."
        )
    return windows, array
