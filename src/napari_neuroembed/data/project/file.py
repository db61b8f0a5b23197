"""Reading and writing project.yaml without losing what somebody else wrote."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path

from napari_neuroembed.data.project.spec import ProjectSpec, dump_spec, parse_spec
from napari_neuroembed.data.project.yaml_comments import carry_comments
from napari_neuroembed.data.project.yaml_text import MAX_BYTES, dump_yaml, read_yaml
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.files import write_text

PROJECT_FILE = "project.yaml"
_SHOWN_LINES = 40


class ProjectFile:
    """project.yaml as it was loaded, and as it shall be.

    Parameters
    ----------
    folder
        The project folder.
    spec
        Its content; replace it, then :meth:`save`.
    text
        What the file held when it was loaded; None when there was none.
    """

    def __init__(self, folder: Path, spec: ProjectSpec, text: str | None) -> None:
        self.folder = folder
        self.spec = spec
        self._text = text

    @classmethod
    def create(cls, folder: Path, spec: ProjectSpec) -> ProjectFile:
        """Write a new project.yaml.

        Raises
        ------
        DataError
            When there is one already.
        """
        if (folder / PROJECT_FILE).exists():
            raise DataError(f"There is a project in {folder} already; open it.")
        new = cls(folder, spec, None)
        new.save()
        return new

    @classmethod
    def load(cls, folder: Path) -> ProjectFile:
        """Read project.yaml.

        Raises
        ------
        DataError
            When it is missing, saying how a project is made.
        ConfigError
            When its content is wrong.
        """
        path = folder / PROJECT_FILE
        if not path.is_file():
            raise DataError(
                f"{folder} is no project: it has no {PROJECT_FILE}. Name the folder "
                f"that has it, or make one with: neuroembed import {folder} SOURCE "
                "--animal NAME --rate HZ."
            )
        text = _read(path)
        return cls(folder, parse_spec(read_yaml(text, str(path)), str(path)), text)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / PROJECT_FILE

    def save(self) -> None:
        """Write the content, keeping comments where their key still is.

        Raises
        ------
        DataError
            When the file is not the one that was loaded; shows the difference and
            writes nothing.
        """
        text = dump_yaml(dump_spec(self.spec))
        parse_spec(read_yaml(text, str(self.path)), str(self.path))
        if self._text is not None:
            text = carry_comments(self._text, text)
        self._refuse_if_changed()
        write_text(self.path, text)
        self._text = text

    def _refuse_if_changed(self) -> None:
        now = _read(self.path) if self.path.exists() else None
        if _digest(now) == _digest(self._text):
            return
        lines = difflib.unified_diff(
            (self._text or "").splitlines(),
            (now or "").splitlines(),
            "as it was loaded",
            "as it is now",
            lineterm="",
            n=1,
        )
        shown = "\n".join(list(lines)[:_SHOWN_LINES])
        raise DataError(
            f"{self.path} was changed by somebody else since it was loaded; nothing "
            f"was written. Run the same command again to work on the new file.\n{shown}"
        )


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES:,} bytes.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error}.") from None


def _digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
