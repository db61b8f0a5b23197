"""Run a verb inside its job folder, with everything it may report to."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.progress import Display
from napari_neuroembed.errors import Cancelled, DataError, DiskError, NeuroembedError

if TYPE_CHECKING:
    from napari_neuroembed.cli.verbs import JobKind
    from napari_neuroembed.jobs import Job
    from napari_neuroembed.jobs.report import JobReport

PROJECT_FILE = "project.yaml"


class VerbReport:
    """What a verb reports to; itself a :class:`napari_neuroembed.progress.Report`.

    Parameters
    ----------
    display
        Draws progress and prints results.
    job
        The job it runs in, when it runs in one.
    """

    def __init__(self, display: Display, job: JobReport | None = None) -> None:
        self._display = display
        self._job = job

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Report progress; may raise Cancelled."""
        if self._job is None:
            self._display(stage, done, total, message)
        else:
            self._job(stage, done, total, message)

    def say(self, text: str, **data: Any) -> None:
        """Print a result: `text` for people, `data` as JSON for programs."""
        self._display.say(text, **data)

    def note(self, **facts: Any) -> None:
        """Add to the job's notes what was made, e.g. ``note(run="first")``."""
        if self._job is not None:
            self._job.note(**facts)

    @property
    def log_file(self) -> Path | None:
        """The job's log, where there is one."""
        return None if self._job is None else self._job.log_file

    def set_exit_code(self, code: int) -> None:
        """Keep the exit code in ``job.json``."""
        if self._job is not None:
            self._job.exit_code = code


@contextlib.contextmanager
def running_job(
    project: Path,
    argv: Sequence[str],
    display: Display,
    *,
    kind: JobKind = "project",
    folder: Path | None = None,
) -> Iterator[VerbReport]:
    """Run a verb inside a job folder of a project.

    Parameters
    ----------
    project
        The project folder.
    argv
        Verb and arguments, as typed.
    display
        Where progress is drawn.
    kind
        ``project``: it must exist; ``new project``: the verb may make it.
    folder
        The job folder made by whoever started this process; default a new one.

    Raises
    ------
    DataError
        When there is no such project.
    """
    from napari_neuroembed.jobs import Job
    from napari_neuroembed.jobs.report import JobReport

    is_new = not project.exists()
    job = Job(folder) if folder else _make(project, argv, kind)
    try:
        with JobReport(job.folder, also=display) as inner:
            report = VerbReport(display, inner)
            try:
                yield report
            except BaseException as error:
                report.set_exit_code(exit_code_of(error))
                if exit_code_of(error) is ExitCode.INTERNAL:
                    error.add_note(f"The traceback is in {report.log_file}.")
                raise
    except NeuroembedError:
        if is_new:
            _discard(project, job)
        raise


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code for an error that ends a verb."""
    if isinstance(error, Cancelled | KeyboardInterrupt):
        return ExitCode.CANCELLED
    if isinstance(error, DiskError):
        return ExitCode.SOME_FAILED
    if isinstance(error, NeuroembedError):
        return ExitCode.MISTAKE
    return ExitCode.INTERNAL


def _make(project: Path, argv: Sequence[str], kind: JobKind) -> Job:
    from napari_neuroembed.jobs import create

    if kind == "project" and not (project / PROJECT_FILE).is_file():
        raise DataError(
            f"{project} is not a neuroembed project: there is no {PROJECT_FILE} in it. "
            "Give the project folder, or make one with `neuroembed import`."
        )
    return create(project, argv)


def _discard(project: Path, job: Job) -> None:
    """Remove the folder of a mistake, so that a mistyped path leaves nothing."""
    if (project / PROJECT_FILE).exists():
        return
    shutil.rmtree(job.folder, ignore_errors=True)
    for folder in (job.folder.parent, project):
        with contextlib.suppress(OSError):
            folder.rmdir()  # fails when anything else is in it
