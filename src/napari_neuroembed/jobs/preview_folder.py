"""The private folder in which a window and its preview process lay arrays."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.array_header import no_objects, read_header
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import PARTIAL, recover_folder, reserve
from napari_neuroembed.jobs.preview_lines import MAX_ARRAY_BYTES
from napari_neuroembed.leftovers import beside

NAME = "neuroembed-preview"
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.npy")
_HEADER_BYTES = 4096


class PreviewFolder:
    """A folder of `.npy` files that nobody else may read.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @classmethod
    def make(cls) -> PreviewFolder:
        """Make one among the temporary files, mode 0700.

        Those of processes that were killed are removed first.
        """
        place = Path(tempfile.gettempdir()) / NAME
        recover_folder(place)
        path = beside(place, PARTIAL)  # says whose it is
        path.mkdir(mode=0o700)
        return cls(path)

    def save(self, name: str, array: NDArray[Any]) -> str:
        """Write an array and return its name.

        Raises
        ------
        DataError
            When it is too large, or (DiskError) the disk too full.
        """
        if array.nbytes > MAX_ARRAY_BYTES:
            raise DataError(
                f"An array of {array.nbytes:,} bytes ({array.shape} {array.dtype}) is "
                f"too large for a preview; at most {MAX_ARRAY_BYTES:,} are taken. Take "
                "fewer frames."
            )
        path = self._path(name)
        reserve(path, array.nbytes + _HEADER_BYTES)
        with path.open("r+b") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)
            file.truncate()
        return name

    def load(self, name: str) -> NDArray[Any]:
        """Map an array into memory, read-only.

        Raises
        ------
        DataError
            When the name leaves the folder, or the file is missing, a link, no plain
            array of numbers, cut, or too large.
        """
        path = self._path(name)
        try:
            found = path.lstat()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path} is a link or no file; arrays are plain files.")
        with path.open("rb") as file:
            header = read_header(file, str(path))
        no_objects(header, str(path))
        if found.st_size != header.offset + header.n_bytes or not header.n_bytes:
            raise DataError(
                f"{path} must hold {header.n_bytes:,} bytes for {header} and has "
                f"{found.st_size - header.offset:,}; an array has at least one value."
            )
        if header.n_bytes > MAX_ARRAY_BYTES:
            raise DataError(
                f"{path} holds {header}, {header.n_bytes:,} bytes; at most "
                f"{MAX_ARRAY_BYTES:,} are taken. Give fewer frames."
            )
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array

    def remove(self, name: str) -> None:
        """Delete an array, where it is there; a memory map of it lives on."""
        with contextlib.suppress(OSError, DataError):
            self._path(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Delete the folder with everything in it."""
        if self.path.name.startswith(f".{NAME}."):
            shutil.rmtree(self.path, ignore_errors=True)

    def _path(self, name: str) -> Path:
        if not _FILE.fullmatch(name):
            raise DataError(
                f"Expected the name of a .npy file in {self.path}, such as in-1.npy; "
                f"found {name!r}."
            )
        return self.path / name
