"""Read the weights of a model out of a file that somebody else may have made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from napari_neuroembed.errors import RunFolderError

MAX_HEADER_BYTES = 1 << 20
MAX_TENSORS = 1000
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16}
_DTYPES |= {"BF16": torch.bfloat16, "I64": torch.int64, "I32": torch.int32}
_DTYPES |= {"I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}


def read_weights(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read exactly the tensors that a model has.

    Parameters
    ----------
    path
        A safetensors file.
    expected
        The model's own tensors by name.

    Raises
    ------
    RunFolderError
        When names, shapes or types differ from what the configuration builds, a value
        is not finite, the header is too large to be ours, or the file is damaged.
        Nothing is loaded before names, shapes and types were compared.
    """
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > MAX_HEADER_BYTES:
        raise RunFolderError(f"{path}: its header of {header:,} bytes is not ours.")
    try:
        with safe_open(path, framework="pt") as stored:
            names = set(stored.keys())
            if len(names) > MAX_TENSORS or names != set(expected):
                missing = sorted(set(expected) - names)[:3]
                extra = sorted(names - set(expected))[:3]
                raise RunFolderError(
                    f"{path} does not fit its config: missing {missing}, extra {extra}."
                )
            problems = []
            for name in sorted(names):
                part = stored.get_slice(name)
                problems += _compare(
                    name, part.get_shape(), part.get_dtype(), expected[name]
                )
            if problems:
                raise RunFolderError(f"{path}: " + "; ".join(problems[:5]))
            state = {name: stored.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise RunFolderError(
            f"{path} is damaged ({error}). Copy the run again."
        ) from error
    bad = [name for name in sorted(state) if not _is_finite(state[name])]
    if bad:
        raise RunFolderError(f"{path}: {bad[0]} holds values that are not finite.")
    return state


def _compare(name: str, shape: list[int], dtype: str, expected: Tensor) -> list[str]:
    found = _DTYPES.get(dtype)
    if list(shape) == list(expected.shape) and found == expected.dtype:
        return []
    wanted = f"{tuple(expected.shape)} {expected.dtype}"
    return [f"{name} is {tuple(shape)} {found or dtype}, expected {wanted}"]


def _is_finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())
