"""Headers of NumPy arrays, read without trusting them and without pickles."""

from __future__ import annotations

import math
import tokenize
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from napari_neuroembed.errors import DataError

MAX_HEADER = 10_000
MAX_AXES = 8
_WRONG = (
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    OSError,
    SyntaxError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of a stored array, and where its values start."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def n_bytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def is_number(self) -> bool:
        """Whether values are real numbers or true/false."""
        return self.dtype.kind in "biuf"

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype.name}"


def read_header(file: IO[bytes], name: str) -> ArrayHeader:
    """Read the header of one npy file or npz member.

    Raises
    ------
    DataError
        When it is no NumPy array or its header is longer than 10 kB.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = _READ[version]
        _check_length(file, 2 if version == (1, 0) else 4)
        shape, fortran, dtype = read(file, max_header_size=MAX_HEADER)
        if len(shape) > MAX_AXES or min(shape, default=0) < 0 or not dtype.itemsize:
            raise ValueError(f"shape {shape} of {dtype} is no array")
    except _WRONG as error:
        raise DataError(
            f"{name} is no NumPy array: {_first_line(error)}. Save it with "
            "numpy.save or numpy.savez. [npz.unreadable]"
        ) from error
    return ArrayHeader(tuple(shape), dtype, fortran, file.tell())


_READ = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}
"""By version; the third only allows more letters in the names of fields."""


def _check_length(file: IO[bytes], n_bytes: int) -> None:
    """Refuse a header by the length it claims, before so much is read."""
    start = file.tell()
    length = int.from_bytes(file.read(n_bytes), "little")
    if length > MAX_HEADER:
        raise ValueError(f"its header has {length:,} bytes")
    file.seek(start)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def no_objects(header: ArrayHeader, what: str) -> None:
    """Refuse arrays of Python objects, which could only be loaded by running code.

    Raises
    ------
    DataError
        Naming the array (`npz.object`).
    """
    if header.dtype.hasobject:
        raise DataError(
            f"{what} is an object array; loading it could run code. Save plain float "
            "arrays. [npz.object]"
        )
