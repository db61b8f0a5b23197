"""Read numbers and names out of HDF5 files of strangers, and nothing else.

An HDF5 file can name other files (external links, external storage, virtual data
sets), hold objects that are pickles or references, and declare terabytes in a
kilobyte. Readers therefore never open one themselves; they ask here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError

MAX_OBJECTS = 20_000
"""Groups and data sets of one file."""
MAX_DEPTH = 16
"""Groups within groups."""
MAX_BYTES = 4 << 30
"""Bytes that one read may need."""
MAX_RATIO = 200
"""Declared bytes for each stored one."""
FREE_BYTES = 1 << 20
"""Data sets up to this size may be compressed as well as they like."""
MAX_TEXT_BYTES = 16 << 20
"""Bytes of the texts of one data set or attribute."""

_FAILURES = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError)


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 files do."""
    try:
        return path.is_file() and bool(h5py.is_hdf5(path))
    except _FAILURES:
        return False


@dataclass(frozen=True)
class Hdf5File:
    """An open file; its data sets by full name, e.g. ``estimates/A/data``.

    Parameters
    ----------
    path
        The file.
    datasets
        Those reached by hard links from the root, in the file's order.
    groups
        Names of the groups reached likewise; the root is "".
    skipped
        Names that lead out of the file or nowhere, each with what it is.
    """

    path: Path
    datasets: Mapping[str, h5py.Dataset]
    groups: Mapping[str, h5py.Group]
    skipped: Mapping[str, str]

    def __contains__(self, name: str) -> bool:
        return name in self.datasets

    def below(self, group: str) -> dict[str, h5py.Dataset]:
        """Return the data sets directly in a group, by their own name."""
        head = f"{group}/" if group else ""
        return {
            name[len(head) :]: found
            for name, found in self.datasets.items()
            if name.startswith(head) and "/" not in name[len(head) :]
        }

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a data set.

        Raises
        ------
        DataError
            When the file has none of that name.
        """
        return tuple(int(n) for n in self._dataset(name).shape or ())

    def dtype(self, name: str) -> np.dtype[Any]:
        """Return the type of a data set's values; raises as `shape`."""
        found: np.dtype[Any] = np.dtype(self._dataset(name).dtype)
        return found

    def numbers(
        self, name: str, key: Any = (), *, max_bytes: int = MAX_BYTES
    ) -> NDArray[Any]:
        """Read a data set of numbers, or a part of it.

        Parameters
        ----------
        name
            Full name.
        key
            Integers and slices, one per axis at most; all of it by default.
        max_bytes
            Largest size of what is read, in bytes.

        Raises
        ------
        DataError
            When it is missing, no numbers, too large, packed too densely, stored
            outside of the file, or damaged.
        """
        dataset = self._dataset(name)
        if dataset.dtype.kind not in "biuf" or dataset.shape is None:
            raise DataError(
                f"{self.path}: '{name}' holds {dataset.dtype}, expected numbers. "
                "[hdf5.content]"
            )
        self._check(name, dataset, key, max_bytes)
        try:
            return np.asarray(dataset[key])
        except _FAILURES as error:
            raise self._damaged(name, error) from error

    def table(
        self, name: str, *, max_bytes: int = MAX_BYTES
    ) -> dict[str, NDArray[Any]]:
        """Read a table of numbers: every field by name, each (row, ...).

        Raises
        ------
        DataError
            As `numbers`, or when a field is no number.
        """
        dataset = self._dataset(name)
        fields = dataset.dtype.fields or {}
        odd = [
            own for own, (kind, *_) in fields.items() if kind.base.kind not in "biuf"
        ]
        if odd or not fields or dataset.shape is None:
            raise DataError(
                f"{self.path}: '{name}' holds {dataset.dtype}, expected columns of "
                "numbers. [hdf5.content]"
            )
        self._check(name, dataset, (), max_bytes)
        try:
            rows = np.asarray(dataset[()])
        except _FAILURES as error:
            raise self._damaged(name, error) from error
        return {own: rows[own] for own in fields}

    def texts(self, name: str) -> list[str]:
        """Read a data set of texts (of any shape, flattened).

        Raises
        ------
        DataError
            When it is missing, no text, too large, or damaged.
        """
        dataset = self._dataset(name)
        self._check_place(name, dataset)
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise DataError(
                f"{self.path}: '{name}' holds {dataset.dtype}, expected texts. "
                "[hdf5.content]"
            )
        n = int(np.prod(dataset.shape, dtype=np.int64))
        if n * max(1, dataset.dtype.itemsize) > MAX_TEXT_BYTES:
            raise self._too_large(name, n * dataset.dtype.itemsize, MAX_TEXT_BYTES)
        found: list[str] = []
        left = MAX_TEXT_BYTES
        try:
            for index in np.ndindex(dataset.shape):
                value = _as_text(dataset[index])
                left -= len(value)
                if left < 0:
                    raise self._too_large(name, MAX_TEXT_BYTES + 1, MAX_TEXT_BYTES)
                found.append(value)
        except _FAILURES as error:
            raise self._damaged(name, error) from error
        return found

    def attribute(self, name: str, attribute: str) -> Any:
        """Return an attribute of a data set or group ("" is the root).

        Returns
        -------
        A text, a list of texts, a number or an array of numbers; bytes that are no
        text stay bytes. None when there is no such attribute.

        Raises
        ------
        DataError
            When it is too large, holds objects or references, or is damaged.
        """
        owner = self.groups.get(name, self.datasets.get(name))
        if owner is None:
            raise self._missing(name)
        try:
            if attribute not in owner.attrs:
                return None
            stored = owner.attrs.get_id(attribute)
            size = int(np.prod(stored.shape, dtype=np.int64)) * stored.dtype.itemsize
            if size > MAX_TEXT_BYTES:
                raise self._too_large(f"{name}@{attribute}", size, MAX_TEXT_BYTES)
            is_text = h5py.check_string_dtype(stored.dtype) is not None
            if not is_text and stored.dtype.kind not in "biufSV":
                raise DataError(
                    f"{self.path}: attribute '{attribute}' of '{name or '/'}' holds "
                    f"{stored.dtype}, expected numbers or texts. [hdf5.content]"
                )
            return _plain(owner.attrs[attribute])
        except _FAILURES as error:
            raise self._damaged(f"{name}@{attribute}", error) from error

    def _dataset(self, name: str) -> h5py.Dataset:
        if name in self.datasets:
            return self.datasets[name]
        raise self._missing(name)

    def _missing(self, name: str) -> DataError:
        if name in self.skipped:
            return DataError(
                f"{self.path}: '{name}' is {self.skipped[name]}; only data inside of "
                "the file are read. Copy them into it. [hdf5.link]"
            )
        there = ", ".join([*self.datasets][:12]) or "nothing"
        return DataError(
            f"{self.path}: expected '{name}', found {there}. [hdf5.content]"
        )

    def _check(
        self, name: str, dataset: h5py.Dataset, key: Any, max_bytes: int
    ) -> None:
        """Refuse what lies elsewhere, or is too much."""
        self._check_place(name, dataset)
        wanted = _n_values(dataset.shape, key) * dataset.dtype.itemsize
        if wanted > max_bytes:
            raise self._too_large(name, wanted, max_bytes)
        chunk = int(np.prod(dataset.chunks or (0,), dtype=np.int64))
        if chunk * dataset.dtype.itemsize > MAX_BYTES:
            raise self._too_large(name, chunk * dataset.dtype.itemsize, MAX_BYTES)
        stored = max(1, int(dataset.id.get_storage_size()))
        declared = int(np.prod(dataset.shape, dtype=np.float64)) * (
            dataset.dtype.itemsize
        )
        if declared > FREE_BYTES and declared / stored > MAX_RATIO:
            raise DataError(
                f"{self.path}: '{name}' declares {declared:,} bytes and stores "
                f"{stored:,}, more than {MAX_RATIO} for each. Write it again with less "
                "compression. [size.cap]"
            )

    def _check_place(self, name: str, dataset: h5py.Dataset) -> None:
        if dataset.external is not None or dataset.is_virtual:
            raise DataError(
                f"{self.path}: the values of '{name}' lie in other files, which are "
                "not read. Copy them into the file. [hdf5.link]"
            )

    def _too_large(self, name: str, found: int, limit: int) -> DataError:
        return DataError(
            f"{self.path}: '{name}' needs {found:,} bytes; the limit is {limit:,}. "
            "[size.cap]"
        )

    def _damaged(self, name: str, error: Exception) -> DataError:
        return DataError(
            f"{self.path}: '{name}' cannot be read ({error}); the file is damaged or "
            "packed by a filter that is not installed. [hdf5.damaged]"
        )


@contextmanager
def open_hdf5(path: Path) -> Iterator[Hdf5File]:
    """Open a file read-only, without locks, and list what lies in it.

    Only hard links are followed, each object once.

    Raises
    ------
    DataError
        When it is no HDF5 file, is damaged, or holds too many objects.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except _FAILURES as error:
        raise DataError(
            f"{path} is damaged or no HDF5 file ({error}). [hdf5.damaged]"
        ) from error
    with file:
        try:
            listed = _list(path, file)
        except _FAILURES as error:
            raise DataError(
                f"{path}: its list of contents is damaged ({error}). [hdf5.damaged]"
            ) from error
        yield listed


def _list(path: Path, file: h5py.File) -> Hdf5File:
    datasets: dict[str, h5py.Dataset] = {}
    groups: dict[str, h5py.Group] = {"": file["/"]}
    skipped: dict[str, str] = {}
    seen = {h5py.h5o.get_info(file["/"].id).addr}
    waiting: list[tuple[str, h5py.Group]] = [("", file["/"])]
    n_objects = 0
    while waiting:
        head, group = waiting.pop(0)
        for own in group:
            n_objects += 1
            name = f"{head}/{own}" if head else str(own)
            if n_objects > MAX_OBJECTS or name.count("/") > MAX_DEPTH:
                raise DataError(
                    f"{path} holds more than {MAX_OBJECTS:,} objects, or groups "
                    f"{MAX_DEPTH} deep. [size.cap]"
                )
            link = group.get(own, getlink=True)
            if not isinstance(link, h5py.HardLink):
                skipped[name] = _link_text(link)
                continue
            found = group[own]
            address = h5py.h5o.get_info(found.id).addr
            if isinstance(found, h5py.Dataset):
                datasets[name] = found
            elif isinstance(found, h5py.Group) and address not in seen:
                seen.add(address)
                groups[name] = found
                waiting.append((name, found))
    return Hdf5File(path, datasets, groups, skipped)


def _link_text(link: object) -> str:
    if isinstance(link, h5py.ExternalLink):
        return "a link to another file"
    return "a soft link"


def _n_values(shape: tuple[int, ...], key: Any) -> int:
    """Return how many values an index takes, exactly and without reading."""
    parts = key if isinstance(key, tuple) else (key,)
    count = 1
    for axis, n in enumerate(shape):
        part = parts[axis] if axis < len(parts) else slice(None)
        count *= len(range(*part.indices(n))) if isinstance(part, slice) else 1
    return count


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _plain(value: Any) -> Any:
    """Return an attribute without HDF5's own types."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.void):
        return value.tobytes()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
        return [_as_text(item) for item in value.ravel()]
    if isinstance(value, np.bytes_):
        return bytes(value)
    if isinstance(value, np.generic):
        return value.item()
    return value
