"""Say what files hold that belong to no project yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import KINDS
from napari_neuroembed.errors import DataError, NeuroembedError

if TYPE_CHECKING:
    from napari_neuroembed.data.readers.base import Description


@dataclass(frozen=True)
class FileLine:
    """What one file or folder holds, by its header.

    Parameters
    ----------
    path
        The file or folder.
    reader
        Name of the reader that knows it; "" when none does.
    about
        What the reader says; None when it refuses.
    why
        Why it is not read.
    labels
        Name of the label format, when the file holds labelled actions.
    """

    path: Path
    reader: str = ""
    about: Description | None = None
    why: str = ""
    labels: str = ""

    def text(self) -> str:
        """Return one line."""
        if self.labels:
            return f"{self.path.name}: labelled actions [{self.labels}]"
        if self.about is None:
            return f"{self.path.name}: not read. {self.why}"
        shape = "x".join(str(n) for n in self.about.shape)
        rate = "no frame rate in the file"
        if self.about.rate_hz is not None:
            seconds = self.about.shape[0] / self.about.rate_hz
            rate = f"{self.about.rate_hz:.6g} Hz ({self.about.rate_origin}), "
            rate += f"{seconds:.2f} s"
        elif self.about.rate_origin:
            rate = self.about.rate_origin
        return (
            f"{self.path.name}: {self.about.kind} {shape} {self.about.dtype} "
            f"{self.about.axes}, {rate} [{self.reader}]"
        )


def check_path(path: Path) -> tuple[list[FileLine], list[Problem]]:
    """Describe a file, or every file of a folder, by the reader that knows it.

    Parameters
    ----------
    path
        A file, or a folder: taken as a whole where a reader knows it (single-frame
        stacks, suite2p), else its files one by one.

    Raises
    ------
    DataError
        When there is nothing.
    """
    path = Path(path).resolve()
    if not path.exists():
        raise DataError(f"{path} is not there.")
    if path.is_file():
        lines = [_describe(path)]
    else:
        whole = _describe(path)
        lines = [whole] if whole.about is not None else list(_files(path))
    problems = []
    for line in lines:
        for problem in line.about.problems if line.about is not None else ():
            problems.append(
                Problem(problem.id, problem.severity, problem.text, str(line.path))
            )
    return lines, problems


def _files(folder: Path) -> Iterator[FileLine]:
    files = sorted(f for f in folder.iterdir() if not f.name.startswith("."))
    if not files:
        raise DataError(f"{folder} is empty.")
    for file in files:
        yield _describe(file)


def _describe(path: Path) -> FileLine:
    from napari_neuroembed.data import readers
    from napari_neuroembed.data.readers.base import Source

    source = Source((path,))
    sure, labels = _label_format(path)
    try:
        reader = readers.find_reader(source, KINDS)
        if labels and sure >= reader.sniff(source)[0]:
            return FileLine(path, labels=labels)
        return FileLine(path, reader.name, reader.describe(source, {}))
    except NeuroembedError as error:
        return FileLine(path, why=str(error), labels=labels)


def _label_format(path: Path) -> tuple[float, str]:
    """Return how sure which reader of labels is about a file."""
    from napari_neuroembed.data.readers.labels import LABEL_READERS

    if not path.is_file():
        return 0.0, ""
    found = [(reader.sniff(path)[0], name) for name, reader in LABEL_READERS.items()]
    sure, name = max(found)
    return (sure, name) if sure > 0 else (0.0, "")
