"""Many recordings from the way their folders are named.

``{animal}/{date}_{trial}/*.tif`` finds every stack; what stands in braces becomes the
animal and covariates, and files with the same values belong to one recording. Patterns
of the other streams use the same braces.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.data.importing.plan import ImportPlan, judge
from napari_neuroembed.data.importing.request import (
    ImportRequest,
    StreamRequest,
    with_shared_roots,
)
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.covariates import check_key, parse_column
from napari_neuroembed.data.project.names import fitting_name
from napari_neuroembed.data.project.sources import natural_key
from napari_neuroembed.data.recording import Covariate
from napari_neuroembed.errors import ConfigError, DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

_FIELD = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")
_SEPARATE = frozenset({"pose", "scalar", "trace", "video", "labels"})
"""Streams that are one file (or folder) where several match: which one, is asked."""


@dataclass(frozen=True, kw_only=True)
class PatternRequest:
    """How to find many recordings.

    Parameters
    ----------
    patterns
        By stream, the first one finds the recordings; relative to `base` or absolute.
        ``labels`` finds the label files.
    base
        Folder of relative patterns.
    streams
        Settings that hold for a stream of all recordings (their source is ignored).
    name
        Pattern of the recordings' names; None: the animal and the other fields.
    animal
        Of all recordings, where the pattern has no ``{animal}``.
    template
        Everything else of the requests: rater, salvage, roots ...
    """

    patterns: Mapping[str, str]
    base: Path
    streams: Mapping[str, StreamRequest] = field(default_factory=dict)
    name: str | None = None
    animal: str | None = None
    template: ImportRequest = field(
        default_factory=lambda: ImportRequest(animal="", streams={})
    )


def plan_pattern(project: Project, request: PatternRequest) -> list[ImportPlan]:
    """Return what patterns of names would import.

    Returns
    -------
    One plan per distinct set of field values, in natural order: ``missing`` where the
    pattern of another stream finds nothing, ``doubtful`` where it finds several files.

    Raises
    ------
    ConfigError
        When no pattern names the animal, a pattern uses a field the first one does not
        have, or two recordings would get one name.
    DataError
        When the first pattern finds nothing.
    """
    main = next(iter(request.patterns))
    names = fields_of(request.patterns[main])
    _check_fields(request, names)
    found = find_matches(request.patterns[main], request.base)
    if not found:
        raise DataError(
            f"The pattern {request.patterns[main]!r} finds no file under "
            f"{request.base}. Fields in braces stand for one part of a folder or file "
            "name."
        )
    keys = list(found)
    typed = {n: parse_column([key[i] for key in keys]) for i, n in enumerate(names)}
    requests: list[ImportRequest] = []
    recordings: list[str] = []
    findings: list[list[Problem]] = []
    for row, key in enumerate(keys):
        values = dict(zip(names, key, strict=True))
        facts = {n: typed[n][row] for n in names if n not in ("animal", "recording")}
        one, problems = _one_request(request, values, facts, found[key])
        requests.append(one)
        recordings.append(_name(request, values))
        findings.append(problems)
    requests = with_shared_roots(project, requests)
    plans = [
        judge(project, name, one, problems)
        for name, one, problems in zip(recordings, requests, findings, strict=True)
    ]
    _refuse_twins(plans)
    return plans


def _one_request(
    request: PatternRequest,
    values: Mapping[str, str],
    facts: Mapping[str, Covariate | None],
    found: list[Path],
) -> tuple[ImportRequest, list[Problem]]:
    main, *others = request.patterns
    source = _main_source(request, main, values, found)
    streams = {main: _stream(request, main, source)}
    problems = _other_readings(request, main, values, found[0])
    for stream in others:
        sibling = _sibling(request, stream, values, problems)
        if sibling is not None:
            streams[stream] = _stream(request, stream, sibling)
    labels = streams.pop("labels", None)
    covariates = dict(request.template.covariates)
    covariates |= {name: value for name, value in facts.items() if value is not None}
    one = replace(
        request.template,
        animal=fitting_name(values.get("animal") or request.animal or ""),
        streams=streams,
        covariates=covariates,
        labels=None if labels is None else Path(str(labels.source)),
    )
    return one, problems


def fields_of(pattern: str) -> list[str]:
    """Return the names in braces, in order, each once.

    Examples
    --------
    >>> fields_of("{animal}/{date}_{trial}/*.tif")
    ['animal', 'date', 'trial']
    """
    return list(dict.fromkeys(_FIELD.findall(pattern)))


def find_matches(pattern: str, base: Path) -> dict[tuple[str, ...], list[Path]]:
    """Return the files a pattern finds, grouped by the values of its fields.

    A field stands for one or more characters other than ``/``; ``*``, ``?`` and ``**``
    mean what they mean in a shell. Hidden files are left out.
    """
    names = fields_of(pattern)
    expression = to_expression(pattern)
    wildcard = _FIELD.sub("*", pattern)
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in sorted(_glob(wildcard, base), key=natural_key):
        text = _relative(path, wildcard, base)
        match = expression.fullmatch(text)
        if match and not path.name.startswith("."):
            key = tuple(match.group(name) for name in names)
            groups.setdefault(key, []).append(path)
    return groups


def to_expression(pattern: str, *, greedy: bool = False) -> re.Pattern[str]:
    """Return the regular expression of a pattern; a repeated field must repeat.

    `greedy` lets the first fields take as much as they can instead of as little.

    Examples
    --------
    >>> to_expression("{animal}/{trial}.tif").fullmatch("fly1/003.tif").groupdict()
    {'animal': 'fly1', 'trial': '003'}
    """
    parts: list[str] = []
    seen: set[str] = set()
    for piece in re.split(r"(\{[A-Za-z][A-Za-z0-9_]*\}|\*\*/|\*|\?)", pattern):
        name = piece[1:-1]
        if _FIELD.fullmatch(piece):
            some = "[^/]+" if greedy else "[^/]+?"
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{some})")
            seen.add(name)
        else:
            simple = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
            parts.append(simple.get(piece, re.escape(piece)))
    return re.compile("".join(parts))


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """Return a pattern with its fields replaced by values."""
    return _FIELD.sub(lambda match: values[match.group(1)], pattern)


def _fill_glob(pattern: str, values: Mapping[str, str]) -> str:
    """Fill a pattern so that wildcards in values stand for themselves."""
    return fill(pattern, {name: glob.escape(value) for name, value in values.items()})


def _glob(wildcard: str, base: Path) -> list[Path]:
    path = Path(wildcard)
    if path.is_absolute():
        anchor = Path(path.anchor)
        return list(anchor.glob(str(path.relative_to(anchor))))
    return list(base.glob(wildcard))


def _relative(path: Path, wildcard: str, base: Path) -> str:
    if Path(wildcard).is_absolute():
        return path.as_posix()
    return path.relative_to(base).as_posix()


def _main_source(
    request: PatternRequest, main: str, values: Mapping[str, str], found: list[Path]
) -> Path:
    if len(found) == 1:
        return found[0]
    return request.base / _fill_glob(request.patterns[main], values)


def _other_readings(
    request: PatternRequest, main: str, values: Mapping[str, str], path: Path
) -> list[Problem]:
    """Doubt a name that the fields could divide in another way."""
    pattern = request.patterns[main]
    text = _relative(path, _FIELD.sub("*", pattern), request.base)
    match = to_expression(pattern, greedy=True).fullmatch(text)
    other = match.groupdict() if match else dict(values)
    if other == dict(values):
        return []
    first, second = (
        ", ".join(f"{n}={v}" for n, v in reading.items()) for reading in (values, other)
    )
    doubt = f"{main}: {text} can be read as {first} or as {second}"
    return [Problem("import.doubtful", "error", doubt)]


def _sibling(
    request: PatternRequest,
    stream: str,
    values: Mapping[str, str],
    problems: list[Problem],
) -> Path | None:
    filled = _fill_glob(request.patterns[stream], values)
    found = sorted(_glob(filled, request.base), key=natural_key)
    found = [path for path in found if not path.name.startswith(".")]
    if not found:
        text = f"{stream}: nothing fits {filled}"
        problems.append(Problem("import.missing", "error", text))
        return None
    kind = stream.partition("_")[0]
    if len(found) > 1 and kind in _SEPARATE:
        shown = ", ".join(path.name for path in found[:3])
        text = f"{stream}: {len(found)} files fit {filled} ({shown})"
        problems.append(Problem("import.doubtful", "error", text))
        return found[0]
    if len(found) == 1:
        return found[0]
    return request.base / filled


def _stream(request: PatternRequest, name: str, source: str | Path) -> StreamRequest:
    known = request.streams.get(name)
    return replace(known, source=source) if known else StreamRequest(source=source)


def _name(request: PatternRequest, values: Mapping[str, str]) -> str:
    if request.name is not None:
        return fitting_name(fill(request.name, values))
    if "recording" in values:
        return fitting_name(values["recording"])
    animal = values.get("animal") or request.animal or ""
    rest = [value for name, value in values.items() if name != "animal"]
    return fitting_name("_".join([animal, *rest]))


def _check_fields(request: PatternRequest, names: list[str]) -> None:
    for name in names:
        if name not in ("animal", "recording"):
            check_key(name)
    if "animal" not in names and not request.animal:
        raise ConfigError(
            "Whose recordings are they? Use {animal} in the pattern or give --animal "
            "[import.animal]."
        )
    others = {**request.patterns, "recording": request.name or ""}
    for stream, pattern in others.items():
        unknown = [name for name in fields_of(pattern) if name not in names]
        if unknown:
            raise ConfigError(
                f"The pattern of {stream} uses {{{unknown[0]}}}, which the first "
                f"pattern does not have. Known: {', '.join(names) or 'none'}."
            )


def _refuse_twins(plans: list[ImportPlan]) -> None:
    names = [plan.name for plan in plans if plan.status != "present"]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"Several recordings would be named {', '.join(twice)}. Say what tells "
            "them apart, e.g. --recording '{animal}_{date}_{trial}'."
        )
