"""What all options share: frozen, checked, a sentence and bounds on every field."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from napari_neuroembed.errors import ConfigError

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""Use as ``@dataclass(frozen=True, kw_only=True, config=STRICT)``."""

T = TypeVar("T")


def from_dict(kind: type[T], values: object, where: str = "") -> T:
    """Build options from plain values, e.g. those of a YAML file.

    Parameters
    ----------
    kind
        The options class.
    values
        Field values; missing fields take their defaults.
    where
        Prefix of the paths in error messages, e.g. ``preprocessing``.

    Raises
    ------
    ConfigError
        Naming every wrong field with its path, the value found and what is allowed;
        a misspelt name gets a suggestion.
    """
    if not isinstance(values, Mapping):
        place = f"{where}: " if where else ""
        raise ConfigError(f"{place}expected options by name, found {values!r}.")
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        lines = [_explain(kind, problem, where) for problem in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def problems(kind: type[Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with values, by the dotted path of the field; {}: nothing.

    For forms, which show each sentence at its own control; see :func:`from_dict`.

    Examples
    --------
    >>> from napari_neuroembed.options.training import TrainingOptions
    >>> problems(TrainingOptions, {"steps": -1})
    {'steps': 'Input should be greater than or equal to 0 (found -1).'}
    """
    try:
        TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        found: dict[str, str] = {}
        for one in error.errors():
            path = ".".join(str(part) for part in one["loc"] if isinstance(part, str))
            found.setdefault(path, f"{one['msg']} (found {one['input']!r}).")
        return found
    return {}


def to_dict(options: Any) -> dict[str, Any]:
    """Return options as plain JSON-ready values, all fields spelled out."""
    dumped = TypeAdapter(type(options)).dump_python(options, mode="json")
    assert isinstance(dumped, dict)
    return dumped


def replace_path(options: T, path: str, value: Any) -> T:
    """Return a copy of `options` with the field at a dotted path changed.

    Raises
    ------
    ConfigError
        When the path is no option (listing the allowed names) or the value is wrong.

    Examples
    --------
    >>> from napari_neuroembed.options.windows import WindowOptions
    >>> replace_path(WindowOptions(), "stride_s", 0.25).stride_s
    0.25
    """
    values = to_dict(options)
    place: Any = values
    names = path.split(".")
    for depth, name in enumerate(names):
        if not isinstance(place, dict) or name not in place:
            known = sorted(place) if isinstance(place, dict) else []
            raise ConfigError(_unknown(".".join(names[: depth + 1]), name, known))
        if depth == len(names) - 1:
            place[name] = value
        else:
            place = place[name]
    return from_dict(type(options), values)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Name the options that differ between two nested dicts of them.

    Examples
    --------
    >>> changed({"training": {"steps": 3}}, {"training": {"steps": 4}})
    ['training.steps from 3 to 4']
    """
    old, new = dict(_dotted(before)), dict(_dotted(after))
    return [
        f"{name} from {old.get(name)} to {new.get(name)}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _dotted(values: Any, head: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted path and value of every option."""
    if not isinstance(values, Mapping):
        yield head, list(values) if isinstance(values, tuple) else values
        return
    for name, value in values.items():
        yield from _dotted(value, f"{head}.{name}" if head else str(name))


def _explain(kind: type[Any], problem: Any, where: str) -> str:
    path = [where] if where else []
    path += [str(part) for part in problem["loc"]]
    dotted = ".".join(path)
    if problem["type"] == "unexpected_keyword_argument":
        return _unknown(dotted, str(problem["loc"][-1]), _names(kind, problem["loc"]))
    return f"{dotted}: {problem['msg']} (found {problem['input']!r})."


def _names(kind: Any, location: tuple[Any, ...]) -> list[str]:
    """Return the fields that would have been right at `location`."""
    for part in location[:-1]:
        kind = _one_of(kind)
        if dataclasses.is_dataclass(kind):
            kind = get_type_hints(kind).get(str(part))
        else:  # a tuple or dict of options; `part` is an index or a key
            kind = next(filter(dataclasses.is_dataclass, get_args(kind)), None)
    kind = _one_of(kind)
    if not dataclasses.is_dataclass(kind):
        return []
    return [field.name for field in dataclasses.fields(kind)]


def _one_of(kind: Any) -> Any:
    """Return the options class of an optional one."""
    if get_origin(kind) in (Union, UnionType):
        return next(filter(dataclasses.is_dataclass, get_args(kind)), None)
    return kind


def _unknown(dotted: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    parent = dotted.rpartition(".")[0]
    hint = ""
    if close:
        hint = f" Did you mean {f'{parent}.' if parent else ''}{close[0]}?"
    options = f" Options: {', '.join(known)}." if known else ""
    return f"{dotted} is not an option.{hint}{options}"
