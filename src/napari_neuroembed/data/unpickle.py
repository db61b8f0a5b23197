"""Read plain NumPy data out of pickles without letting them run anything."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_neuroembed.data.size_cap import largest
from napari_neuroembed.errors import DataError

MAX_BYTES = 2 << 30
MAX_OPCODES = 20_000_000
_BYTES_PER_OPCODE = 100
"""Memory that the smallest of lists takes while it is read, for each step."""
MAX_WEIGHT = 10_000_000
"""Parts that one tuple may have when everything it repeats is written out."""

_PYTHON_2 = {"xrange": "range", "unicode": "str", "long": "int"}
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")


def load_pickle(path: Path) -> Any:
    """Return the content of a pickle made of builtins and NumPy arrays.

    Raises
    ------
    DataError
        When it asks for any other class (`pickle.class`), is too large or damaged.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{path} has {size:,} bytes; the limit for pickles is {MAX_BYTES:,}. "
            "Export it as npz. [size.cap]"
        )
    return load_pickle_bytes(path.read_bytes(), str(path))


def load_pickle_bytes(content: bytes, name: str) -> Any:
    """Return the content of a pickle held in memory; `name` is for messages.

    Raises
    ------
    DataError
        As :func:`load_pickle`.

    Examples
    --------
    >>> load_pickle_bytes(pickle.dumps({"fs": 30.0}), "ops")
    {'fs': 30.0}
    """
    try:
        _weigh(content, name)
        return _Unpickler(io.BytesIO(content), name).load()
    except DataError:
        raise
    except (
        pickle.UnpicklingError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        EOFError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise DataError(
            f"{name} is damaged or no pickle ({type(error).__name__}: {error}). Export "
            "it as CSV or npz. [pickle.class]"
        ) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(file, encoding="latin1")
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        if module == "__builtin__":
            module, name = "builtins", _PYTHON_2.get(name, name)
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataError(
                f"{self._name} asks to load {module}.{name}; only plain numpy data are "
                "read from pickles, because a pickle can run code. Export it as CSV or "
                "npz. [pickle.class]"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise DataError(
            f"{self._name} points to data outside itself ({str(pid)[:40]!r}), which is "
            "not followed. Export it as CSV or npz. [pickle.class]"
        )


def _reconstruct(kind: Any, shape: Any, code: Any) -> Any:
    """Make the empty array that its state then fills; no size comes from the file."""
    if kind is not np.ndarray or tuple(shape) != (0,):
        raise ValueError("an array is made in an unusual way")
    del code
    return np.ndarray.__new__(np.ndarray, (0,), "i1")


def _scalar(dtype: Any, content: Any = None) -> Any:
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise ValueError("a number of an unusual type")
    if isinstance(content, str):
        content = content.encode("latin1")
    return np.frombuffer(content, dtype=dtype, count=1)[0]


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1" or not isinstance(text, str):
        raise ValueError(f"encoding {encoding!r}")
    return text.encode("latin1")


def _only(kind: Callable[..., Any], *allowed: type) -> Callable[..., Any]:
    """Return a constructor that takes at most one value of the allowed types.

    ``bytes(10**12)``, ``list(range(10**12))`` or ``str`` of a nested list would fill
    the memory.
    """

    def build(*values: Any) -> Any:
        if len(values) > 1 or not all(type(v) in allowed for v in values):
            raise ValueError(f"{kind.__name__} of something unusual")
        return kind(*values)

    return build


_CONTAINERS = (list, tuple, set, frozenset, dict)
_ALLOWED: dict[tuple[str, str], Any] = {
    ("builtins", "dict"): _only(dict, dict, list, tuple),
    ("builtins", "list"): _only(list, *_CONTAINERS),
    ("builtins", "tuple"): _only(tuple, *_CONTAINERS),
    ("builtins", "set"): _only(set, *_CONTAINERS),
    ("builtins", "frozenset"): _only(frozenset, *_CONTAINERS),
    ("builtins", "int"): _only(int, int, float, bool),
    ("builtins", "float"): _only(float, int, float, bool, str),
    ("builtins", "bool"): _only(bool, int, float, bool),
    ("builtins", "complex"): complex,
    ("builtins", "str"): _only(str, str),
    ("builtins", "bytes"): _only(bytes, bytes, list, tuple),
    ("builtins", "bytearray"): _only(bytearray, bytes, list, tuple),
    ("builtins", "slice"): slice,
    ("builtins", "range"): range,
    ("_codecs", "encode"): _encode,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(module, "_reconstruct"): _reconstruct for module in _MULTIARRAY},
    **{(module, "scalar"): _scalar for module in _MULTIARRAY},
}


def _ordered(*values: Any) -> dict[Any, Any]:
    return _only(dict, dict, list, tuple)(*values)  # type: ignore[no-any-return]


_ALLOWED["collections", "OrderedDict"] = _ordered


def _weigh(content: bytes, name: str) -> None:
    """Refuse pickles with too many steps, or whose tuples repeat each other.

    A tuple of ten times the same tuple, ten levels deep, is small in the file and in
    memory, but hashing it takes 10^10 steps. So every value is followed through the
    stack with the number of parts it would have when written out.
    """
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[Any, int] = {}
    limit = min(MAX_OPCODES, largest() // _BYTES_PER_OPCODE)
    for n, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if n > limit:
            raise DataError(
                f"{name} has more than {limit:,} steps. Export it as npz. [size.cap]"
            )
        before, after = opcode.stack_before, opcode.stack_after
        if opcode.name == "MARK":
            marks.append(len(stack))
            continue
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = stack[-1]
            continue
        if opcode.name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
            continue
        if opcode.name == "DUP":
            stack.append(stack[-1])
            continue
        weight = 1
        if pickletools.markobject in before:
            start = marks.pop()
            weight += sum(stack[start:])
            del stack[start:]
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            weight += stack.pop()
        if weight > MAX_WEIGHT and opcode.name.startswith("TUPLE"):
            raise DataError(
                f"{name} repeats itself into {weight:,} parts; it is damaged or made "
                "to do harm. [pickle.class]"
            )
        stack += [weight] * len(after)
