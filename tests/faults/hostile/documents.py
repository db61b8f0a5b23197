"""Texts made to do harm: JSON, YAML, CSV, XML; (kind, name, file, content, ...) each.

The rest of a tuple is the trial that opens it, the arguments of the trial, and what it
must come to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

File = tuple[str, str, str, Callable[[Path], "bytes | str"], str, dict[str, Any], str]

_RATE: dict[str, Any] = {"rate_hz": 10.0}
_DEEP = 200_000


def _signal(value: str, name: str = '"a"') -> str:
    return f'[{{"name": {name}, "value": {value}, "unit": "cm/s"}}]'


def _jsons() -> dict[str, str | bytes]:
    forty = json.dumps([0.5] * 40)
    return {
        "nested lists": _signal("[" * _DEEP + "]" * _DEEP),
        "nested objects": _signal('{"a":' * _DEEP + "1" + "}" * _DEEP),
        "NaN as a word": _signal("[NaN, 1.0]"),
        "Infinity as a word": _signal("[-Infinity, 1.0]"),
        "a number of 100,000 digits": _signal(f"[{'9' * 100_000}]"),
        "a number of 400 digits": _signal(f"[{'9' * 400}]"),
        "no text": _signal("[1.0]").encode("utf-32"),
        "half a letter": _signal("[1.0, ").encode() + b"\xed\xa0\x80",
        "the same name twice": _signal(forty)[:-1] + "," + _signal(forty)[1:],
        "names that are no text": _signal(forty, '["a"]').replace('"unit"', '"value"'),
        "texts as numbers": _signal('["1", "2"]'),
    }


def _yamls(canary: Path) -> dict[str, str]:
    head = "schema_version: 1\n"
    call = f"!!python/object/apply:os.system ['touch {canary}']"
    new = f"!!python/object/new:os.system [touch {canary}]"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return {
        "a call": f"{head}recordings: {call}\n",
        "an object": f"{head}recordings: {new}\n",
        "a module": f"{head}recordings: !!python/module:antigravity\n",
        "a name": f"{head}recordings: !!python/name:os.system\n",
        "laughs": head + "\n".join(lines) + "\n",
        "itself": f"{head}recordings: &r [*r]\n",
        "merged keys": f"{head}<<: {{recordings: []}}\n",
        "nested lists": f"{head}recordings: {'[' * 20_000}\n",
        "nested maps": head + "".join(f"{' ' * i}a:\n" for i in range(1300)),
        "two documents": f"{head}---\n{head}",
        "more than a megabyte": head + "# " + "x" * (2 << 20) + "\n",
        "a key twice": head + head,
        "a newer version": "schema_version: 999\n",
        "a NUL": head + "recordings: \0\n",
        "a number of 100,000 digits": f"schema_version: {'9' * 100_000}\n",
    }


def _csvs() -> dict[str, str | bytes]:
    return {
        "a million columns": ",".join(["1"] * 1_000_000) + "\n",
        "a quote that never ends": 'a,b\n1,"2\n' + "3,4\n" * 50_000,
        "a cell of 8 MB": f"a,b\n1,{'x' * (8 << 20)}\n",
        "NULs": b"a,b\n1,\0\n2,3\n",
        "only NULs": b"\0" * 100_000,
        "only line ends": "\n" * 100_000,
        "rows of other lengths": "a,b\n1,2\n1,2,3\n1\n",
        "code as a cell": "a,b\n=cmd|'/c calc'!A1,1\n",
        "half of UTF-16": b"\xff\xfea\0,\0b\0\n\0\x00\xd8",
        "more text than the cap": "a,b\n" + "1.5,2.5\n" * (2 << 20),
    }


def xmls(root: str, canary: Path) -> dict[str, str | bytes]:
    """Return every XML made to do harm, with a root element of this name."""
    laughs = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)
    )
    start, end = f"<{root}>", f"</{root}>"
    secret = canary.with_name("secret.txt")
    use = f"{start}&x;{end}"
    many = " ".join(f'a{i}="1"' for i in range(200_000))
    return {
        "laughs": f"<!DOCTYPE x [{laughs}]>{start}&a11;{end}",
        "one long laugh": f'<!DOCTYPE x [<!ENTITY x "{"h" * 1000}">]>'
        f"{start}{'&x;' * 100_000}{end}",
        "another file": f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{secret}">]>{use}',
        "another computer": '<!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'
        + use,
        "outside definitions": f'<!DOCTYPE x SYSTEM "file:///etc/passwd"><{root}/>',
        "deep": start + "<a>" * 500_000,
        "many attributes": f"<{root} {many}/>",
        "an unknown encoding": f'<?xml version="1.0" encoding="evil"?><{root}/>',
        "never ended": f'<?xml version="1.0"?><{root} version="5.4"><Sequence ',
        "nothing in it": f'<?xml version="1.0"?><{root} version="5.4"/>',
        "no bytes of XML": f"<{root} ".encode() + b"\xff\xfe\x00",
    }


def document_files() -> Iterator[File]:
    """Yield every text that is made to do harm."""
    for name, text in _jsons().items():
        made = _constant(text)
        yield (
            "json",
            name,
            "a.json",
            made,
            "read",
            {**_RATE, "reader": "json"},
            "refused",
        )
        yield "json", f"{name}, any reader", "a.json", made, "read", _RATE, "refused"
    for name in _yamls(Path("canary")):

        def yaml(canary: Path, name: str = name) -> str:
            return _yamls(canary)[name]

        yield "yaml", name, "project.yaml", yaml, "project", {}, "refused"
    for name, text in _csvs().items():
        made = _constant(text)
        yield "csv", name, "a.csv", made, "read", {**_RATE, "reader": "csv"}, "refused"
        yield "csv", f"{name}, labels", "a.csv", made, "labels", _RATE, "refused"


def _constant(content: str | bytes) -> Callable[[Path], bytes | str]:
    return lambda _: content
