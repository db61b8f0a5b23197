"""Import one recording: look, check everything, then add it in one step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.data.clocks import Span, picture, spans
from napari_neuroembed.data.importing.labels import add_labels, plan_labels
from napari_neuroembed.data.importing.mc2p import complete_mc2p
from napari_neuroembed.data.importing.request import ImportRequest, build_recording
from napari_neuroembed.data.importing.thor import complete
from napari_neuroembed.data.problems import Problem, is_accepted
from napari_neuroembed.data.project.acceptance import (
    check_acceptances,
    refuse_with_option,
)
from napari_neuroembed.data.project.duplicates import (
    duplicate_problems,
    takes_another,
)
from napari_neuroembed.data.project.names import check_name
from napari_neuroembed.data.project.opening import open_recording, rate_origin
from napari_neuroembed.data.project.roots import Roots, is_source
from napari_neuroembed.data.project.source_records import take_records
from napari_neuroembed.data.project.sources import find_files
from napari_neuroembed.data.project.spec import Acceptance, RecordingSpec
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.progress import Report, silent

if TYPE_CHECKING:
    from napari_neuroembed.data.annotations.importing import LabelImport
    from napari_neuroembed.data.project import Project


@dataclass(frozen=True)
class ImportReport:
    """What an import found and did.

    Parameters
    ----------
    recording, animal
        Names.
    status
        ``imported``, ``checked`` (dry run) or ``present`` (nothing to do).
    spans
        What stretch of time each stream covers.
    lines
        One line per stream for people: shape, rate and where the rate comes from.
    problems
        Warnings, notes and accepted errors.
    n_bouts
        Labelled bouts imported.
    """

    recording: str
    animal: str
    status: str
    spans: tuple[Span, ...] = ()
    lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    n_bouts: int = 0

    def text(self) -> str:
        """Return the report for a terminal, with a picture of the clocks."""
        head = f"{self.recording} ({self.animal}): {self.status}"
        if self.status == "present":
            head += " already, nothing to do; settings are changed in project.yaml"
        if self.n_bouts:
            head += f", {self.n_bouts} bouts"
        notes = [f"  {p.severity}: {p.text} [{p.id}]" for p in self.problems]
        drawn = picture(self.spans) if len(self.spans) > 1 else ""
        body = [f"  {line}" for line in (*self.lines, *drawn.splitlines())]
        return "\n".join([head, *body, *notes])


def import_recording(
    project: Project,
    request: ImportRequest,
    *,
    accepted: Sequence[Acceptance] = (),
    max_drift_ppm: float | None = None,
    dry_run: bool = False,
    report: Report = silent,
) -> ImportReport:
    """Add one recording to a project, or refuse it and change nothing.

    Parameters
    ----------
    project
        Where to.
    request
        Animal, streams, covariates, labels.
    accepted
        Findings that somebody takes, with a reason; kept in project.yaml.
    max_drift_ppm
        Largest drift between two clocks; kept in project.yaml. None: as there.
    dry_run
        Only look.
    report
        Called per step.

    Returns
    -------
    ImportReport
        ``present``: no name was given and the animal has a recording of these files.

    Raises
    ------
    DataError
        Listing every unaccepted error, each with the option that accepts it.
    """
    check_acceptances(accepted)
    request = complete_mc2p(complete(request))
    if not request.animal:
        raise DataError("Whose recording is it? Give --animal NAME [import.animal].")
    check_name(request.animal, "animal")
    known = None if request.recording else present_recording(project, request)
    if known is not None:
        _refuse_additions(project, request, known)
        return ImportReport(known, request.animal, "present")
    name = request.recording or free_name(project, request.animal)
    report("check", 0, 2, name)
    accepted = [replace(a, recording=name) for a in accepted]
    accept = {a.check for a in accepted} | project.accepted(name)
    limit = max_drift_ppm or project.spec.max_drift_ppm
    look = _look(project, request, name, accept, limit)
    report("check", 1, 2, name)
    if not dry_run:
        project.spec = replace(project.spec, max_drift_ppm=limit)
        _write(project, look, accepted, accept)
    report("check", 2, 2, name)
    return ImportReport(
        recording=name,
        animal=request.animal,
        status="checked" if dry_run else "imported",
        spans=tuple(spans(look.streams)),
        lines=tuple(_line(n, s, look.spec) for n, s in look.streams.items()),
        problems=tuple(look.problems),
        n_bouts=look.labels.n_bouts() if look.labels is not None else 0,
    )


@dataclass(frozen=True)
class _Look:
    """A recording that passed all checks but is not yet added."""

    roots: Roots
    spec: RecordingSpec
    streams: Mapping[str, Stream]
    labels: LabelImport | None
    problems: Sequence[Problem]


def _look(
    project: Project,
    request: ImportRequest,
    name: str,
    accept: Collection[str],
    max_drift_ppm: float,
) -> _Look:
    """Check everything about a recording, and refuse what nobody accepted."""
    check_name(name, "recording")
    if name in project.recording_ids():
        raise DataError(
            f"There is a recording {name!r} already. Choose another name with "
            "--recording, or take it out of project.yaml first."
        )
    head = f"Recording {name!r}"
    refuse_with_option(request.findings, head, accept)
    roots, spec = build_recording(project, request, name)
    opened = open_recording(spec, roots, accept=accept, max_drift_ppm=max_drift_ppm)
    problems = [*request.findings, *opened.problems]
    records = {**project.records(), name: take_records(spec, roots)}
    found = duplicate_problems([*project.spec.recordings, spec], records)
    problems += [problem for problem in found if problem.where == name]
    labels = None
    if request.labels is not None:
        path = label_path(request.labels, roots)
        labels = plan_labels(
            project, request, name, path, streams=opened.streams, accept=accept
        )
        problems += labels.problems
    refuse_with_option(problems, head, accept)
    return _Look(roots, spec, opened.streams, labels, problems)


def _write(
    project: Project,
    look: _Look,
    accepted: Sequence[Acceptance],
    accept: Collection[str],
) -> None:
    """Add a recording with its labels, or neither."""
    project.roots = look.roots
    look.roots.save()
    used = [
        a for a in accepted if _is_used(a.check, look.problems, look.spec, look.roots)
    ]
    project.add(look.spec, accepted=used)
    if look.labels is None:
        return
    try:
        add_labels(project, look.labels, accept)
    except BaseException:
        project.remove(look.spec.id)
        raise


def _refuse_additions(project: Project, request: ImportRequest, known: str) -> None:
    """Refuse to pass over streams that a recording of the same files lacks.

    Raises
    ------
    DataError
        Naming them.
    """
    new = sorted(set(request.streams) - set(project.recording(known).streams))
    if new:
        raise DataError(
            f"Recording {known!r} has these files already, but not {', '.join(new)}. A "
            f"recording is imported whole: take {known} out of project.yaml (its "
            "labels stay) and import it again. [import.present]"
        )


def free_name(project: Project, animal: str) -> str:
    """Return the next free name of a recording: ``fly1_001``, ``fly1_002`` ...

    Examples
    --------
    >>> class Empty: recording_ids = staticmethod(lambda: ("fly1_001",))
    >>> free_name(Empty(), "fly1")
    'fly1_002'
    """
    taken = {name.casefold() for name in project.recording_ids()}
    number = 1
    while f"{animal}_{number:03d}".casefold() in taken:
        number += 1
    return f"{animal}_{number:03d}"


def present_recording(project: Project, request: ImportRequest) -> str | None:
    """Return the recording that a request would import again, if there is one.

    It is the one of the same name, else the one with the same main files.
    """
    if request.recording in project.recording_ids():
        return request.recording
    if request.animal not in project.animals():
        return None
    try:
        _, spec = build_recording(project, request, request.recording or "new")
    except NeuroembedError:
        return None
    for known in project.spec.recordings:
        shared = set(known.streams) & set(spec.streams)
        if (
            shared
            and known.animal == spec.animal
            and all(known.streams[n].source == spec.streams[n].source for n in shared)
            and not any(
                takes_another(spec.streams[n], known.streams[n]) for n in shared
            )
        ):
            return known.id
    return None


def _is_used(
    check: str, problems: Sequence[Problem], spec: RecordingSpec, roots: Roots
) -> bool:
    """Whether an acceptance was needed: by a finding, or for a reader to go on."""
    if any(is_accepted(problem, {check}) for problem in problems):
        return True
    try:
        open_recording(spec, roots)
    except DataError as error:
        return f"[{check}]" in str(error)
    return False


def label_path(where: str | Path, roots: Roots) -> Path:
    """Return the label file, given as a path or as ``ROOT:relative/path``.

    Raises
    ------
    DataError
        When it is not there.
    """
    if is_source(where):
        return find_files(str(where), roots)[0]
    path = Path(where)
    if not path.is_file():
        raise DataError(f"The label file {path} is not there [source.missing].")
    return path


def _line(name: str, stream: Stream, spec: RecordingSpec) -> str:
    shape = "x".join(str(n) for n in stream.data.shape)
    origin = rate_origin(name, stream, spec)
    rate = 1.0 / stream.time.period_s if stream.time.period_s else 0.0
    lost = int((~stream.valid).sum())
    masked = f", {lost:,} frames masked" if lost else ""
    seconds = stream.time.stop_s - stream.time.start_s
    return (
        f"{name}: {shape} {stream.data.dtype}, {seconds:.2f} s at {rate:.6g} Hz "
        f"({origin}){masked}"
    )
