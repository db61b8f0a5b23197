"""YAML a person edits, read strictly: no aliases, no double keys, no surprises.

Plain values follow the core schema of YAML 1.2: only ``true`` and ``false`` are
booleans, ``12:30`` and ``2026-03-01`` stay text, ``1e-3`` is a number, and a number
with leading zeros stays text (``001`` is a name, not one).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from napari_neuroembed.errors import ConfigError

MAX_BYTES = 1 << 20
_WIDTH = 100
_PLAIN = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "tag:yaml.org,2002:int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        (
            r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
            r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
        list("-+0123456789."),
    ),
}


class StrictSafeLoader(yaml.SafeLoader):
    """Safe loader of the core schema that refuses aliases and double keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML has it

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node, refusing aliases and anchors."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # no stub
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read; write the value out",
                problem_mark=mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, Any]:
        """Construct a mapping, refusing keys that come twice."""
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                problem = "a key must be plain text"
            elif key.value in seen:
                problem = f"{key.value!r} is here twice, first in line "
                problem += str(seen[key.value])
            else:
                seen[key.value] = line
                continue
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Safe dumper that quotes what the loader would read as something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML has it

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


for _kind in (StrictSafeLoader, _Dumper):
    for _tag, (_pattern, _first) in _PLAIN.items():
        _kind.add_implicit_resolver(_tag, re.compile(rf"({_pattern})\Z"), _first)


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """Read one YAML mapping.

    Parameters
    ----------
    text
        At most 1 MB.
    where
        Name of the file, for messages.

    Raises
    ------
    ConfigError
        With line and column of what cannot be read.

    Examples
    --------
    >>> read_yaml("{rate_hz: 1e1, date: 2026-03-01, trial: 001}", "project.yaml")
    {'rate_hz': 10.0, 'date': '2026-03-01', 'trial': '001'}
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError(f"{where} is larger than {MAX_BYTES:,} bytes.")
    try:
        content = yaml.load(text, Loader=StrictSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(
            f"{where}{place}: {error.problem or error.context}."
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where} cannot be read as YAML: {error}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(k, str) for k in content):
        raise ConfigError(f"{where}: expected lines of the form 'key: value'.")
    return content


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a file that holds one YAML mapping.

    Raises
    ------
    ConfigError
        When it is larger than 1 MB, no UTF-8 text, or as :func:`read_yaml`.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES:,} bytes.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error}.") from None
    return read_yaml(text, str(path))


def dump_yaml(content: dict[str, Any]) -> str:
    """Return YAML that :func:`read_yaml` reads back as the same values.

    Keys keep their order; a mapping of plain values stands on one line.

    Examples
    --------
    >>> print(dump_yaml({"name": "flies", "dff": {"window_frames": 15}}), end="")
    name: flies
    dff: {window_frames: 15}
    """
    text = yaml.dump(
        content,
        Dumper=_Dumper,
        default_flow_style=None,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
    )
    assert isinstance(text, str)
    return text
