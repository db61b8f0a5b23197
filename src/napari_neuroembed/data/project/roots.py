"""Where this machine keeps its data: short names for folders, never shared.

project.yaml says ``LAB:fly1/001/*.tif``; roots.local.yaml says what LAB is here, so
that a moved drive or another computer needs one line changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from napari_neuroembed.data.project.names import is_device
from napari_neuroembed.data.project.yaml_text import dump_yaml, load_yaml
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.files import write_text

ROOTS_FILE = "roots.local.yaml"
PROJECT = "PROJECT"
"""The root that is the project folder itself."""

GLOB = re.compile(r"[*?\[]")
_ROOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{1,31}")
_HEAD = (
    "# Where this machine keeps the data that project.yaml names. Not to be shared.\n"
)


@dataclass(frozen=True)
class Roots:
    """The roots of one project on this machine.

    Parameters
    ----------
    project
        The project folder, the root ``PROJECT``.
    folders
        Absolute folder of every other root.
    """

    project: Path
    folders: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def load(cls, project: Path) -> Roots:
        """Read roots.local.yaml; no such file means no roots but ``PROJECT``.

        Raises
        ------
        ConfigError
            For a name that is no root name, or a folder that is not absolute.
        """
        project = Path(project).resolve()
        file = project / ROOTS_FILE
        if not file.exists():
            return cls(project)
        entries = load_yaml(file)
        roots = cls(project)
        for name, folder in entries.items():
            if not isinstance(folder, str):
                raise ConfigError(f"{file}: {name} must be a folder, found {folder!r}.")
            roots = roots.with_root(name, Path(folder))
        return roots

    def save(self) -> None:
        """Write roots.local.yaml."""
        content = {name: str(folder) for name, folder in self.folders.items()}
        body = dump_yaml(content) if content else ""
        write_text(self.project / ROOTS_FILE, _HEAD + body)

    def with_root(self, name: str, folder: Path) -> Roots:
        """Return roots in which `name` stands for `folder`.

        Raises
        ------
        ConfigError
            When the name does not fit or the folder is not absolute.
        """
        if name == PROJECT or not _ROOT_NAME.fullmatch(name):
            raise ConfigError(
                f"A root is named by 2 to 32 letters, digits, _ or -, beginning with a "
                f"letter and other than {PROJECT}; found {name!r}."
            )
        if "\0" in str(folder) or not Path(folder).is_absolute():
            raise ConfigError(
                f"Root {name}: expected an absolute folder, found {str(folder)!r}."
            )
        return Roots(self.project, {**self.folders, name: Path(folder)})

    def folder(self, name: str) -> Path:
        """Return the folder of a root.

        Raises
        ------
        DataError
            When this machine does not know the root, or its folder is not there.
        """
        folder = self.project if name == PROJECT else self.folders.get(name)
        if folder is None:
            known = ", ".join([PROJECT, *self.folders])
            raise DataError(
                f"The root {name} is not known on this machine (known: {known}). Say "
                f"where it is: neuroembed relink {self.project} "
                f"--root {name}=/path/to/folder."
            )
        if not folder.is_dir():
            raise DataError(
                f"The root {name} is {folder}, which is not there. Mount it, or say "
                f"where it is now: neuroembed relink {self.project} "
                f"--root {name}=/path/to/folder."
            )
        return folder

    def known(self) -> dict[str, Path]:
        """Return the folders that files may lie in, links followed."""
        folders = {PROJECT: self.project, **self.folders}
        return {name: folder.resolve() for name, folder in folders.items()}

    def holds(self, path: Path) -> bool:
        """Whether a path, links followed, lies in the project or under a root."""
        resolved = path.resolve()
        return any(resolved.is_relative_to(folder) for folder in self.known().values())

    def express(self, path: Path) -> str | None:
        """Return ``ROOT:relative/path`` for a path or pattern below a root, or None.

        The root with the longest folder wins; links in the folder are followed.
        """
        path = real_pattern(path)
        best: tuple[int, str] | None = None
        for name, folder in self.known().items():
            if path != folder and path.is_relative_to(folder):
                inside = path.relative_to(folder).as_posix()
                entry = (len(folder.parts), f"{name}:{inside}")
                best = entry if best is None or entry[0] > best[0] else best
        return best[1] if best else None

    def new_name(self) -> str:
        """Return a root name that is not taken: DATA, DATA2, ..."""
        names = ["DATA", *(f"DATA{n}" for n in range(2, len(self.folders) + 3))]
        return next(name for name in names if name not in self.folders)


def real_pattern(path: Path) -> Path:
    """Return an absolute path whose plain folders have their links followed.

    The last part and everything from the first wildcard on stay as they are.
    """
    parts = Path(os.path.abspath(path)).parts  # noqa: PTH100 - follows no link
    fixed = 1
    while fixed < len(parts) - 1 and not GLOB.search(parts[fixed]):
        fixed += 1
    return Path(*parts[:fixed]).resolve().joinpath(*parts[fixed:])


def is_source(where: str | Path) -> bool:
    """Whether a text is written as ``ROOT:relative/path`` rather than as a path.

    Examples
    --------
    >>> [is_source(w) for w in ("LAB:fly1/a.tif", "fly1/a.tif", "C:/fly1/a.tif")]
    [True, False, False]
    """
    root, colon, _ = str(where).partition(":")
    known = root == PROJECT or bool(_ROOT_NAME.fullmatch(root))
    return isinstance(where, str) and bool(colon) and known and not Path(where).exists()


def parse_source(text: str) -> tuple[str, PurePosixPath]:
    """Split ``ROOT:relative/path`` and refuse what could reach elsewhere.

    Raises
    ------
    DataError
        For absolute and network paths, ``..``, NUL and names of devices.

    Examples
    --------
    >>> parse_source("LAB:fly1/001/*.tif")
    ('LAB', PurePosixPath('fly1/001/*.tif'))
    """
    root, colon, rest = text.partition(":")
    if "\0" in text or text.startswith(("\\\\", "//")):
        raise DataError(f"{text!r} is no source: NUL and network paths are refused.")
    if not colon or not (root == PROJECT or _ROOT_NAME.fullmatch(root)):
        raise DataError(
            f"{text!r} is no source. Write ROOT:path, e.g. {PROJECT}:data/stack.tif "
            f"for a file in the project folder; other roots stand in {ROOTS_FILE}."
        )
    relative = PurePosixPath(rest.replace("\\", "/"))
    parts = relative.parts
    if not parts or relative.is_absolute() or ".." in parts or ":" in rest:
        raise DataError(
            f"{text!r} is no source: what follows {root}: must be a path inside that "
            "root, without '..', ':' and without a leading '/'."
        )
    for part in parts:
        if is_device(part):
            raise DataError(f"{text!r} is no source: {part!r} is a device on Windows.")
    return root, relative
