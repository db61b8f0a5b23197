"""Carry a person's comments over when project.yaml is written anew."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

Path = tuple[str, ...]
_MOVED = "# (comments whose entry is gone)"


def carry_comments(old: str, new: str) -> str:
    r"""Return `new` with the comments of `old`, each above the entry it belonged to.

    A comment belongs to the key on its line, else to the next key. Entries of a list
    are recognised by their `id` or `name`, else by their place. A comment whose entry
    is gone goes to the head of the file: none is lost.

    Examples
    --------
    >>> print(carry_comments("# mine\na: 1  # first\n", "a: 2\nb: 3\n"), end="")
    # mine
    # first
    a: 2
    b: 3
    """
    comments = list(_comments(old)) if "#" in old else []
    if not comments:
        return new
    old_keys = list(_keys(old))
    places = {path: (line, column) for path, line, column in _keys(new)}
    above: dict[int, list[str]] = {}
    head: list[str] = []
    tail: list[str] = []
    for line, text, own_line in comments:
        path = _owner(line, own_line, old_keys)
        if path is None:
            tail.append(text)
            continue
        if path not in places:
            head.append(text)
            continue
        row, column = places[path]
        above.setdefault(row, []).append(" " * column + text)
    lines: list[str] = []
    if head:
        is_marked = any(text == _MOVED for _, text, _ in comments)
        lines += head if is_marked else [_MOVED, *head]
    for row, line_text in enumerate(new.splitlines()):
        lines += above.get(row, [])
        lines.append(line_text)
    return "\n".join([*lines, *tail]) + "\n"


def _comments(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line, text and whether it stands on a line of its own."""
    inside = [
        (token.start_mark.index, token.end_mark.index)
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.ScalarToken)
    ]
    offset = 0
    for number, line in enumerate(text.splitlines(keepends=True)):
        for column, letter in enumerate(line):
            place = offset + column
            starts = column == 0 or line[column - 1] in " \t"
            if letter == "#" and starts and not any(a <= place < b for a, b in inside):
                yield number, line[column:].strip(), not line[:column].strip()
                break
        offset += len(line)


def _keys(text: str) -> Iterator[tuple[Path, int, int]]:
    """Yield path, line and column of every entry, in the order of the text."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found = list(_walk(root, ())) if root is not None else []
    yield from sorted(found, key=lambda entry: (entry[1], entry[2]))


def _walk(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.line, key.start_mark.column
            yield from _walk(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            inner = (*path, _item_name(item, index))
            mark = item.start_mark
            block = not node.flow_style
            yield inner, mark.line, max(mark.column - 2, 0) if block else mark.column
            yield from _walk(item, inner)


def _item_name(item: yaml.Node, index: int) -> str:
    if isinstance(item, yaml.MappingNode):
        for key, value in item.value:
            if key.value in ("id", "name") and isinstance(value, yaml.ScalarNode):
                return f"[{value.value}]"
    return f"[{index}]"


def _owner(line: int, own_line: bool, keys: list[tuple[Path, int, int]]) -> Path | None:
    """Return the entry on a comment's line, else the next one."""
    if not own_line:
        for path, row, _ in keys:
            if row == line:
                return path
    return next((path for path, row, _ in keys if row > line), None)
