"""What a form shows of an options class: labels, units, bounds, help; no window."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Control = Literal["check", "choice", "integer", "text"]

UNITS = {
    "s": "s",
    "hz": "Hz",
    "px": "px",
    "gb": "GB",
    "mb": "MB",
    "percent": "%",
    "frames": "frames",
}
"""Last word of a field's name -> unit at the end of its label."""

LABELS = {
    "p": "Probability",
    "p_frame": "Probability per frame",
    "dff": "dF/F",
    "dim": "Dimensions",
    "sd": "Standard deviation",
    "max_shift": "Largest shift (share of the image)",
}
"""Names that do not read well as they are."""

AUTOMATIC = "automatic"
"""Shown for None."""

LARGEST = 2**31 - 1
"""Largest integer a spin box takes."""


@dataclass(frozen=True)
class FieldView:
    """One field as a form shows it.

    Parameters
    ----------
    path
        Dotted, from the top of the form.
    label
        In sentence case, with the unit at the end.
    about
        The field's docstring in one line.
    control
        What it is set with.
    choices
        Of a `choice`: values in order; None is shown as "automatic".
    low, high
        Bounds of an `integer`, both included.
    kind
        Its annotation.
    """

    path: str
    label: str
    about: str
    control: Control
    choices: tuple[Any, ...] = ()
    low: int = 0
    high: int = LARGEST
    kind: Any = None


@dataclass(frozen=True)
class Section:
    """Fields that belong together: one options class.

    Parameters
    ----------
    path, label, about
        As for a field; the path of the top is "".
    fields, sections
        What it holds, in order.
    """

    path: str
    label: str
    about: str
    fields: tuple[FieldView, ...]
    sections: tuple[Section, ...]

    def all_fields(self) -> Iterator[FieldView]:
        """Yield every field, those of inner sections too."""
        yield from self.fields
        for section in self.sections:
            yield from section.all_fields()


def section_of(kind: type[Any], path: str = "") -> Section:
    """Return what a form shows of an options class.

    Examples
    --------
    >>> from napari_neuroembed.options.training import TrainingOptions
    >>> [f.label for f in section_of(TrainingOptions).fields][:3]
    ['Steps', 'Batch size', 'Learning rate']
    """
    hints = get_type_hints(kind, include_extras=True)
    known = getattr(kind, "__pydantic_fields__", {})
    fields, sections = [], []
    for one in dataclasses.fields(kind):
        inner = f"{path}.{one.name}" if path else one.name
        about = " ".join((known[one.name].description or "").split()).replace("`", "")
        if dataclasses.is_dataclass(hints[one.name]):
            found = section_of(hints[one.name], inner)
            sections.append(dataclasses.replace(found, about=about))
        else:
            rules = tuple(known[one.name].metadata)
            annotated = Annotated[hints[one.name], *rules] if rules else hints[one.name]
            fields.append(_view(inner, about, annotated))
    label = label_of(path.rpartition(".")[2]) if path else ""
    return Section(path, label, "", tuple(fields), tuple(sections))


def label_of(name: str) -> str:
    """Return a field's name as people read it.

    Examples
    --------
    >>> label_of("decay_s"), label_of("window_frames"), label_of("p")
    ('Decay (s)', 'Window (frames)', 'Probability')
    """
    if name in LABELS:
        return LABELS[name]
    words = name.split("_")
    unit = ""
    if len(words) > 1 and words[-1] in UNITS:
        unit = f" ({UNITS[words.pop()]})"
    return " ".join(words).capitalize() + unit


def to_text(value: Any) -> str:
    """Return a value as the text of its control; None is empty.

    Examples
    --------
    >>> to_text(1e-4), to_text((0.5, 1.5)), to_text(None), to_text(("a", "b"))
    ('0.0001', '0.5, 1.5', '', 'a, b')
    """
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return ", ".join(to_text(one) for one in value)
    if isinstance(value, Mapping):
        text = yaml.safe_dump(
            {k: list(v) if isinstance(v, tuple) else v for k, v in value.items()},
            default_flow_style=True,
            width=10_000,
        )
        return text.strip()
    return str(value)


def from_text(text: str, kind: Any) -> Any:
    """Return what was typed as a plain value, for the options class to judge.

    Examples
    --------
    >>> from_text("1e-4", float), from_text("", float | None)
    ('1e-4', None)
    >>> from_text("0.5, 1.5", tuple[float, float])
    ['0.5', '1.5']
    """
    plain = text.strip()
    kinds = _plain_kinds(kind)
    if not plain and NoneType in kinds:
        return None
    if any(get_origin(one) is tuple for one in kinds):
        return [word.strip() for word in plain.split(",") if word.strip()]
    if any(get_origin(one) is dict for one in kinds):
        try:
            return yaml.safe_load(plain) if plain else {}
        except yaml.YAMLError:
            return plain
    return plain


def problem(view: FieldView, value: Any) -> str:
    """Return what is wrong with one value in a sentence, "" for nothing."""
    try:
        TypeAdapter(view.kind).validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        for end in (", found", ", unable", ", got"):
            message = message.partition(end)[0]
        message = message.replace("Value error, expected", "Input should be")
        message = message.replace("greater than or equal to", "at least")
        message = message.replace("less than or equal to", "at most")
        found = to_text(value) or "nothing"
        if message.startswith("Input should be "):
            message = f"must be {message.removeprefix('Input should be ')}"
            return f"{view.label} {message}; found {found}."
        return f"{view.label}: {message}; found {found}."
    return ""


def _view(path: str, about: str, kind: Any) -> FieldView:
    label = label_of(path.rpartition(".")[2])
    kinds = _plain_kinds(kind)
    literals = [one for one in kinds if get_origin(one) is Literal]
    others = [one for one in kinds if one not in literals and one is not NoneType]
    optional = (None,) if NoneType in kinds else ()
    if bool in others and len(others) == 1:
        if optional:
            choices = (None, True, False)
            return FieldView(path, label, about, "choice", choices, kind=kind)
        return FieldView(path, label, about, "check", kind=kind)
    if literals and not others:
        choices = (*optional, *get_args(literals[0]))
        return FieldView(path, label, about, "choice", choices, kind=kind)
    if others == [int] and not optional:
        low, high = _bounds(kind)
        if high <= LARGEST:
            return FieldView(
                path, label, about, "integer", low=low, high=high, kind=kind
            )
    return FieldView(path, label, about, "text", kind=kind)


def _plain_kinds(kind: Any) -> list[Any]:
    """Return the alternatives of an annotation, without what is annotated."""
    if get_origin(kind) is Annotated:
        return _plain_kinds(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [inner for one in get_args(kind) for inner in _plain_kinds(one)]
    return [kind]


def _bounds(kind: Any) -> tuple[int, int]:
    low, high = -LARGEST, LARGEST
    for note in get_args(kind)[1:] if get_origin(kind) is Annotated else ():
        for rule in note.metadata if isinstance(note, FieldInfo) else (note,):
            low = max(low, getattr(rule, "ge", low), getattr(rule, "gt", low - 1) + 1)
            high = min(high, getattr(rule, "le", high))
            high = min(high, getattr(rule, "lt", high + 1) - 1)
    return int(low), int(high)
