"""Look at a whole project before work starts: one line per recording, all findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_neuroembed.data.clocks import Span, overlap, spans
from napari_neuroembed.data.problems import Problem, is_accepted
from napari_neuroembed.data.project.covariates import confounded
from napari_neuroembed.data.project.derived_state import derived_problems
from napari_neuroembed.data.project.duplicates import duplicate_problems
from napari_neuroembed.data.project.opening import rate_origin
from napari_neuroembed.data.project.spec import RecordingSpec, stream_kind
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.progress import Report, silent

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

_COMPARED = ("neural", "trace", "pose", "scalar", "video")


@dataclass(frozen=True)
class StreamLine:
    """Length and rate of one stream."""

    name: str
    kind: str
    frames: int
    seconds: float
    rate_hz: float
    rate_origin: str
    masked: int


@dataclass(frozen=True)
class RecordingLine:
    """What is to be known about one recording.

    Parameters
    ----------
    recording, animal
        Names.
    streams
        Length, rate and where the rate comes from.
    missing
        Kinds of streams that other recordings have and this one does not.
    overlap_s
        Seconds that all streams cover; None when it could not be opened.
    labels
        Bouts per action.
    derived
        ``current``, ``missing`` or ``out of date``.
    spans
        For a picture of the clocks.
    """

    recording: str
    animal: str
    streams: tuple[StreamLine, ...] = ()
    missing: tuple[str, ...] = ()
    overlap_s: float | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    derived: str = "missing"
    spans: tuple[Span, ...] = ()

    def text(self) -> str:
        """Return the line."""
        parts = [f"{self.recording} ({self.animal})"]
        parts += [
            f"{s.name} {s.frames:,} frames {s.seconds:.2f} s {s.rate_hz:.6g} Hz "
            f"({s.rate_origin})"
            for s in self.streams
        ]
        if self.missing:
            parts.append(f"no {', '.join(self.missing)}")
        if self.overlap_s is not None and len(self.streams) > 1:
            parts.append(f"shared {self.overlap_s:.2f} s")
        if self.labels:
            counts = ", ".join(f"{n} {action}" for action, n in self.labels.items())
            parts.append(f"labels: {counts}")
        else:
            parts.append("no labels")
        parts.append(f"derived {self.derived}")
        return " | ".join(parts)


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Parameters
    ----------
    lines
        One per recording.
    problems
        All findings, the gravest first; `where` names the recording.
    accepted
        Findings that somebody has taken, with the reason.
    """

    lines: tuple[RecordingLine, ...]
    problems: tuple[Problem, ...]
    accepted: tuple[tuple[Problem, str], ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether something must be repaired or accepted before work starts."""
        return any(p.severity == "error" for p in self.problems)


def check_project(project: Project, *, report: Report = silent) -> CheckReport:
    """Open every recording, headers only, and judge the whole project.

    Also takes the fingerprints of files that have none yet (project.yaml was edited).

    Parameters
    ----------
    project
        What to check.
    report
        Called per recording.
    """
    found: list[Problem] = []
    opened: dict[str, Mapping[str, Stream]] = {}
    ids = project.recording_ids()
    for done, name in enumerate(ids):
        report("check", done, len(ids), name)
        streams, problems = _open(project, name)
        opened[name] = streams
        found += problems
    report("check", len(ids), len(ids))
    labels, label_problems = _labels(project)
    derived = {name: _derived(project, name) for name in ids}
    lines = tuple(
        _line(project, spec, opened[spec.id], labels.get(spec.id, {}), derived[spec.id])
        for spec in project.spec.recordings
    )
    found += label_problems
    found += [p for problems in derived.values() for p in problems]
    found += project_problems(project)
    found += missing_classes(project.spec.recordings, labels)
    return _judge(project, lines, found)


def project_problems(project: Project) -> list[Problem]:
    """Return findings about the recordings together.

    ``project.empty``, ``project.one_animal``, ``source.duplicate``,
    ``covariate.confounded``, ``preprocessing.options``.
    """
    recordings = project.spec.recordings
    problems = []
    if not recordings:
        problems.append(
            Problem(
                "project.empty",
                "error",
                "The project has no recording yet; see neuroembed import.",
            )
        )
    animals = project.animals()
    if len(animals) == 1:
        n = len(recordings)
        text = (
            f"{f'All {n} recordings are' if n > 1 else 'The only recording is'} of one "
            f"animal ({animals[0]}): nothing can be said about other animals, and "
            "swapping needs two."
        )
        problems.append(Problem("project.one_animal", "warning", text))
    problems += duplicate_problems(recordings, project.records())
    try:
        project.preprocessing()
    except NeuroembedError as error:
        problems.append(Problem("preprocessing.options", "error", str(error)))
    return [*problems, *confounded(recordings)]


def missing_classes(
    recordings: Sequence[RecordingSpec], labels: Mapping[str, Mapping[str, int]]
) -> list[Problem]:
    """Find actions that some labelled animals show and others do not.

    Returns
    -------
    ``label.missing_class`` warnings, one per animal: an action without bouts in a
    held-out animal has no score there.
    """
    animals = dict.fromkeys(r.animal for r in recordings)
    shown: dict[str, set[str]] = {
        animal: {
            action
            for r in recordings
            if r.animal == animal
            for action, n in labels.get(r.id, {}).items()
            if n
        }
        for animal in animals
    }
    every = set().union(*shown.values()) if shown else set()
    problems = []
    for animal, actions in shown.items():
        lacking = sorted(every - actions)
        if lacking and actions:
            text = (
                f"Animal {animal!r} has no bout of {', '.join(lacking)}, which other "
                "animals have; these actions have no score for it."
            )
            problems.append(Problem("label.missing_class", "warning", text, animal))
        elif lacking:
            text = f"Animal {animal!r} has no labels; it counts as unlabelled."
            problems.append(Problem("label.none", "note", text, animal))
    return problems


def _open(project: Project, name: str) -> tuple[Mapping[str, Stream], list[Problem]]:
    try:
        project.records_of(name)
        opened = project.opened(name)
    except NeuroembedError as error:
        return {}, [Problem("recording.open", "error", str(error), name)]
    return opened.streams, [replace(p, where=p.where or name) for p in opened.problems]


def _derived(project: Project, name: str) -> list[Problem]:
    try:
        return derived_problems(project, name)
    except NeuroembedError as error:
        return [Problem("derived.unreadable", "warning", str(error), name)]


def _labels(project: Project) -> tuple[dict[str, dict[str, int]], list[Problem]]:
    """Count the present bouts per recording and action; verify the store."""
    if not project.annotations_path.exists():
        return {}, []
    try:
        with project.annotations(read_only=True) as store:
            table = store.bouts()
            wrong = store.verify()
    except DataError as error:
        return {}, [Problem("labels.store", "error", str(error))]
    problems = [Problem("labels.store", "error", text) for text in wrong]
    table = table[table["state"] == 1]
    counts: dict[str, dict[str, int]] = {}
    for recording, action in zip(table["recording"], table["action"], strict=True):
        of_recording = counts.setdefault(str(recording), {})
        of_recording[str(action)] = of_recording.get(str(action), 0) + 1
    strangers = sorted(set(counts) - set(project.recording_ids()))
    if strangers:
        text = f"There are labels of recordings that are gone: {', '.join(strangers)}."
        problems.append(Problem("labels.recording", "warning", text))
    return counts, problems


def _line(
    project: Project,
    spec: RecordingSpec,
    streams: Mapping[str, Stream],
    labels: Mapping[str, int],
    derived: Sequence[Problem],
) -> RecordingLine:
    found = spans(streams)
    shared = None
    if found:
        start, stop = overlap(found)
        shared = max(0.0, stop - start)
    states = {"derived.missing": "missing", "derived.out_of_date": "out of date"}
    state = states.get(derived[0].id, "unreadable") if derived else "current"
    return RecordingLine(
        recording=spec.id,
        animal=spec.animal,
        streams=tuple(_stream_line(span, streams, spec) for span in found),
        missing=_missing_kinds(project.spec.recordings, spec),
        overlap_s=shared,
        labels=dict(labels),
        derived=state,
        spans=tuple(found),
    )


def _stream_line(
    span: Span, streams: Mapping[str, Stream], spec: RecordingSpec
) -> StreamLine:
    stream = streams[span.name]
    return StreamLine(
        name=span.name,
        kind=stream.kind,
        frames=span.n_frames,
        seconds=span.seconds,
        rate_hz=span.rate_hz,
        rate_origin=rate_origin(span.name, stream, spec),
        masked=int((~stream.valid).sum()),
    )


def _missing_kinds(
    recordings: Iterable[RecordingSpec], spec: RecordingSpec
) -> tuple[str, ...]:
    every = {stream_kind(n, s) for r in recordings for n, s in r.streams.items()}
    own = {stream_kind(n, s) for n, s in spec.streams.items()}
    return tuple(kind for kind in _COMPARED if kind in every - own)


def _judge(
    project: Project, lines: tuple[RecordingLine, ...], found: Sequence[Problem]
) -> CheckReport:
    order = ("error", "warning", "note")
    why: dict[tuple[str, str | None], str] = {
        (a.check, a.recording): a.why for a in project.spec.accepted
    }
    open_, taken = [], []
    for problem in found:
        reason = why.get((problem.id, problem.where)) or why.get((problem.id, None))
        if reason and is_accepted(problem, {problem.id}):
            taken.append((problem, reason))
        else:
            open_.append(problem)
    open_.sort(key=lambda problem: order.index(problem.severity))
    return CheckReport(lines, tuple(open_), tuple(taken))


def as_json(report: CheckReport) -> dict[str, Any]:
    """Return a check as plain values, for programs."""
    recordings = []
    for line in report.lines:
        values = {**vars(line), "streams": [vars(s) for s in line.streams]}
        values["spans"] = [vars(s) for s in line.spans]
        values["labels"] = dict(line.labels)
        recordings.append(values)
    return {
        "recordings": recordings,
        "problems": [vars(p) for p in report.problems],
        "accepted": [{**vars(p), "why": why} for p, why in report.accepted],
    }
