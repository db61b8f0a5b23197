"""Where things lie on this machine, kept out of what is handed on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

_END = r"(?=[/\\\"'\s,;:)\]}]|$)"


@dataclass(frozen=True)
class Places:
    """Folders of this machine, and what is written instead of them.

    Parameters
    ----------
    names
        Absolute folder -> name, the longest folder first.
    """

    names: Mapping[str, str]

    @classmethod
    def of(cls, project: Path, roots: Mapping[str, Path]) -> Places:
        """Return the folders of a project, of its roots, and the user's own."""
        found = {str(project): "<PROJECT>", str(project.resolve()): "<PROJECT>"}
        found |= {str(folder): f"<{name}>" for name, folder in roots.items()}
        found.setdefault(str(Path.home()), "<HOME>")
        usable = {place: name for place, name in found.items() if len(place) > 1}
        return cls(dict(sorted(usable.items(), key=lambda item: -len(item[0]))))

    def hidden(self, text: str) -> str:
        """Return a text with these folders replaced by their names.

        Examples
        --------
        >>> Places({"/home/ana": "<HOME>"}).hidden("in /home/ana/x, /home/anaconda")
        'in <HOME>/x, /home/anaconda'
        """
        for place, name in self.names.items():
            for form in {place, place.replace("\\", "\\\\"), Path(place).as_posix()}:
                text = re.sub(re.escape(form) + _END, name, text)
        return text

    def without(self, values: Any) -> Any:
        """Return plain values without these folders, and of other paths the end."""
        if isinstance(values, Mapping):
            return {key: self.without(value) for key, value in values.items()}
        if isinstance(values, list | tuple):
            return [self.without(value) for value in values]
        return last_name(self.hidden(values)) if isinstance(values, str) else values


def last_name(text: str) -> str:
    r"""Return an absolute path's last name; any other text as it is.

    Examples
    --------
    >>> [last_name(t) for t in ("/data/ana/x.xml", "D:\\ana\\x.xml", "LAB:x.xml")]
    ['x.xml', 'x.xml', 'LAB:x.xml']
    """
    windows, posix = PureWindowsPath(text), PurePosixPath(text)
    if "\n" in text or len(posix.parts) + len(windows.parts) < 3:
        return text
    if posix.is_absolute() or text.startswith("~"):
        return posix.name
    return windows.name if windows.is_absolute() else text
