"""Flags that several verbs share, spelled the same everywhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from napari_neuroembed.errors import ConfigError


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every verb has: ``--json`` and ``--debug``."""
    group = parser.add_argument_group("every verb")
    group.add_argument(
        "--json", action="store_true", help="print one JSON object per line"
    )
    group.add_argument(
        "--debug", action="store_true", help="show the traceback of an error"
    )
    # Given by whoever started this process as a job and made the folder.
    group.add_argument("--job", type=Path, help=argparse.SUPPRESS)


def add_project(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument PROJECT, found as ``args.project``."""
    parser.add_argument(
        "project", type=Path, metavar="PROJECT", help="the project folder"
    )


def add_set(parser: argparse.ArgumentParser) -> None:
    """Add ``--set PATH=VALUE``; read it with :func:`settings`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change one option, e.g. training.steps=500; may be repeated",
    )


def add_judging(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add how runs of a comparison are judged, and where they are made."""
    parser.add_argument(
        "--profile",
        choices=("quick", "full"),
        default="quick",
        help="of the evaluations; default quick",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="spread the rows over the workers of a dask scheduler, e.g. "
        "tcp://host:8786, or local:2 for two processes here",
    )


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return what ``--set`` asked for, by dotted path.

    Values are read as YAML, so ``true``, ``[1, 2]`` and ``null`` are what they seem.

    Raises
    ------
    ConfigError
        When one is not of the form PATH=VALUE.

    Examples
    --------
    >>> settings(argparse.Namespace(set=["training.steps=500", "run.name=first"]))
    {'training.steps': 500, 'run.name': 'first'}
    """
    found: dict[str, Any] = {}
    for text in args.set:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise ConfigError(
                f"--set needs PATH=VALUE, e.g. training.steps=500; found {text!r}."
            )
        try:
            found[path.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {text}: the value is no YAML.") from error
    return found


def option_value(text: str, flag: str) -> Any:
    """Return the value of ``KEY=VALUE``: what YAML makes of it, words as they stand.

    Names of people and observations may hold a ``#``, which YAML would cut off.

    Examples
    --------
    >>> option_value("[1, 2]", "--label-option"), option_value("day #1", "")
    ([1, 2], 'day #1')
    """
    from napari_neuroembed.data.project.yaml_text import read_yaml

    plain = text.strip()
    try:
        value = read_yaml(f"value: {plain}", flag)["value"]
    except ConfigError:
        if plain[:1] in "[{'\"":
            raise
        return plain
    if isinstance(value, str) and plain[:1] not in ("'", '"'):
        return plain
    return value


def pairs(texts: Iterable[str], flag: str) -> dict[str, str]:
    """Split ``NAME=VALUE`` flags.

    Raises
    ------
    ConfigError
        For one without ``=``.

    Examples
    --------
    >>> pairs(["scalar=neural"], "--like")
    {'scalar': 'neural'}
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"{flag} {text!r}: expected NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found


def add_accept(parser: argparse.ArgumentParser) -> None:
    """Add ``--accept ID`` and ``--why``; read them with :func:`accepted`."""
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="ID",
        help="accept a problem by its id, as the message gives it; may be repeated",
    )
    parser.add_argument(
        "--why", metavar="TEXT", help="the reason, kept with what was accepted"
    )


def accepted(args: argparse.Namespace) -> tuple[frozenset[str], str]:
    """Return the accepted problem ids and the reason.

    Raises
    ------
    ConfigError
        When something is accepted without a reason, or a reason is given for nothing.
    """
    ids = frozenset(args.accept)
    why = (args.why or "").strip()
    if ids and not why:
        raise ConfigError(
            f'--accept {" ".join(sorted(ids))} needs a reason: --why "...".'
        )
    if why and not ids:
        raise ConfigError("--why was given without --accept ID.")
    return ids, why


def table(rows: Iterable[Iterable[object]], header: Iterable[str]) -> str:
    """Return rows as aligned plain text, for terminals and logs.

    Examples
    --------
    >>> print(table([["fly1", 3], ["fly10", 12]], ["animal", "recordings"]))
    animal  recordings
    fly1    3
    fly10   12
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def number(value: object, digits: int = 2) -> str:
    """Return a number with that many digits, and a dash where there is none."""
    if isinstance(value, float | int) and value == value:
        return f"{value:.{digits}f}"
    return "-"
