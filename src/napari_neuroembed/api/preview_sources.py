"""What previews are made of: recordings of a project, opened once, and given arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from napari_neuroembed.data.derived import read_derived
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.derived_state import derived_problems
from napari_neuroembed.data.project.file import PROJECT_FILE
from napari_neuroembed.data.project.roots import ROOTS_FILE
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.files import MANIFEST
from napari_neuroembed.jobs.preview_folder import PreviewFolder
from napari_neuroembed.jobs.preview_lines import MAX_ARRAY_BYTES

ARRAY = "array"
"""What stands for the recording where an array was given."""

_KEPT = 8
V = TypeVar("V")


class FieldError(ConfigError):
    """A mistake in one field of a request.

    Parameters
    ----------
    message
        For the user.
    field
        Dotted name of the field.
    problems
        Every wrong field with its sentence.
    """

    def __init__(
        self, message: str, field: str, problems: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.field, self.problems = field, dict(problems or {field: message})


@dataclass(frozen=True)
class Answer:
    """What a preview answers: plain facts, and arrays that go into the folder."""

    facts: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


class Kept(Generic[V]):
    """The last few results of something slow, by what they depend on."""

    def __init__(self, most: int = _KEPT) -> None:
        self._most = most
        self._values: dict[Hashable, V] = {}

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the result for a key, made now unless it is among the last few."""
        value = self._values.pop(key) if key in self._values else make()
        self._values[key] = value
        while len(self._values) > self._most:
            del self._values[next(iter(self._values))]
        return value


@dataclass(frozen=True)
class PreparedRecording:
    """A prepared recording, and what speaks against it: out of date, because of ..."""

    recording: Recording
    notes: tuple[str, ...]
    stamp: Hashable


class Sources:
    """The project, looked at again when its files change, and the folder of arrays.

    Parameters
    ----------
    path
        The project folder, if there is one.
    folder
        Where given arrays lie.
    """

    def __init__(self, path: Path | None, folder: PreviewFolder) -> None:
        self.path, self.folder = path, folder
        self._projects: Kept[Project] = Kept(1)
        self._raw: Kept[Recording] = Kept()
        self._prepared: dict[str, PreparedRecording] = {}

    @property
    def project(self) -> Project:
        """The project as its files are now.

        Raises
        ------
        FieldError
            When the process was started without one.
        """
        if self.path is None:
            raise FieldError(
                "This preview process has no project, so that it knows no recording. "
                "Give an array, or start it with the project folder.",
                "recording",
            )
        path = self.path
        return self._projects.get(self.stamp, lambda: Project.open(path))

    @property
    def stamp(self) -> Hashable:
        """What changes with the files of the project."""
        assert self.path is not None
        return tuple(_stamp_of(self.path / name) for name in (PROJECT_FILE, ROOTS_FILE))

    def raw(self, name: str) -> Recording:
        """Open a recording from its sources, lazily."""
        project = self.project
        _known(project, name)
        key = (name, self.stamp)
        return self._raw.get(key, lambda: project.raw_streams(name))

    def prepared(self, name: str) -> PreparedRecording | None:
        """Return the prepared form of a recording, also an outdated one, if any."""
        project = self.project
        animal = _known(project, name)
        folder = project.derived_folder(name)
        stamp = (self.stamp, _stamp_of(folder / MANIFEST))
        if stamp[1] is None:
            return None
        known = self._prepared.get(name)
        if known is None or known.stamp != stamp:
            notes = tuple(p.text for p in derived_problems(project, name))
            recording = read_derived(folder, id=name, animal=animal)
            known = PreparedRecording(recording, notes, stamp)
            self._prepared[name] = known
        return known

    def array(self, name: str, *, rgb: bool) -> NDArray[Any]:
        """Return a given movie, memory-mapped.

        Raises
        ------
        FieldError
            When it is none, naming what was found.
        """
        try:
            found = self.folder.load(name)
        except DataError as error:
            raise FieldError(str(error), "array") from error
        shape = f"shape {found.shape} of {found.dtype}"
        if rgb or (found.ndim >= 3 and found.shape[-1] in (3, 4)):
            what = f"a colour image, {shape}"
        elif found.ndim == 2:
            what = f"a single image, {shape}"
        elif found.ndim != 3 or found.dtype.kind not in "iuf":
            what = shape
        else:
            return found
        raise FieldError(
            f"A preview needs a movie of numbers (time, y, x); found {what}. Choose "
            "another layer.",
            "array",
        )


def one_of(recording: str | None, array: str | None) -> None:
    """Refuse a request that names neither a recording nor an array, or both.

    Raises
    ------
    FieldError
        Saying which.
    """
    if (recording is None) == (array is None):
        found = "both" if recording is not None else "neither"
        raise FieldError(
            f"A preview needs either `recording` or `array`; found {found}.",
            "recording",
        )


def span_of(frame: int, n_frames: int, n_all: int, name: str) -> tuple[int, int]:
    """Return the half-open range of `n_frames` about a frame, inside a recording.

    Raises
    ------
    FieldError
        When the frame is not in the recording.

    Examples
    --------
    >>> span_of(2, 10, 100, "fly1_001"), span_of(50, 10, 100, "fly1_001")
    ((0, 10), (45, 55))
    """
    if frame >= n_all:
        raise FieldError(
            f"{name} has frames 0 to {n_all - 1:,}, so that there is no frame "
            f"{frame:,}.",
            "frame",
        )
    n = min(n_frames, n_all)
    first = min(max(0, frame - n // 2), n_all - n)
    return first, first + n


def refuse_large(n_frames: int, shape: tuple[int, int]) -> None:
    """Refuse more float32 frames than a preview holds.

    Raises
    ------
    FieldError
        With both figures and how many would do.
    """
    each = 4 * shape[0] * shape[1]
    if n_frames * each > MAX_ARRAY_BYTES:
        raise FieldError(
            f"{n_frames:,} frames of {shape[0]:,} x {shape[1]:,} pixels take "
            f"{n_frames * each:,} bytes; a preview takes at most {MAX_ARRAY_BYTES:,}. "
            f"Ask for at most {MAX_ARRAY_BYTES // each:,} frames.",
            "n_frames",
        )


def _known(project: Project, name: str) -> str:
    """Return the animal of a recording."""
    try:
        return project.recording(name).animal
    except DataError as error:
        raise FieldError(str(error), "recording") from error


def _stamp_of(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
