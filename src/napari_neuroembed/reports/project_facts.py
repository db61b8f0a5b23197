"""What a report says about a project's data: read from disk, nothing computed anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.data.annotations.reading import COUNTED_SOURCES
from napari_neuroembed.data.derived import (
    ANATOMICAL_FILE,
    read_derived,
    read_provenance,
)
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.derived_state import derived_problems
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import NeuroembedError
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.progress import Report, silent

STREAM_COLUMNS = (
    "recording",
    "animal",
    "stream",
    "kind",
    "frames",
    "minutes",
    "rate_hz",
    "size",
    "units",
    "reader",
    "invalid_frames",
    "prepared",
)
RECORDING_COLUMNS = ("recording", "animal", "minutes", "streams", "covariates")
ACTION_COLUMNS = ("action", "animal", "bouts", "seconds", "raters", "sources")


@dataclass(frozen=True)
class ProjectFacts:
    """A project as it is on disk.

    Parameters
    ----------
    name
        Of the project.
    recordings
        A row per recording, columns :data:`RECORDING_COLUMNS`.
    streams
        A row per stream of every recording, columns :data:`STREAM_COLUMNS`.
    actions
        Bouts and seconds per action and animal, columns :data:`ACTION_COLUMNS`.
    options
        Options of pre-processing, all spelled out.
    provenance
        ``provenance.json`` by recording, of those that are pre-processed.
    accepted
        What somebody took in spite of a refusal: check, why, by, recording.
    readers
        Names of the readers of all streams.
    warnings
        What a reader of the report must know of the data.
    has_anatomical
        Whether an anatomical channel was kept, small, for controls.
    """

    name: str
    recordings: pd.DataFrame
    streams: pd.DataFrame
    actions: pd.DataFrame
    options: Mapping[str, Any]
    provenance: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accepted: tuple[Mapping[str, Any], ...] = ()
    readers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    has_anatomical: bool = False

    @property
    def animals(self) -> list[str]:
        """Names of the animals, in order."""
        return list(dict.fromkeys(self.recordings["animal"]))


def read_project(project: Project, report: Report = silent) -> ProjectFacts:
    """Gather the facts of a project; what cannot be read becomes a warning.

    Parameters
    ----------
    project
        With or without pre-processed recordings, labels and mounted sources.
    report
        Told about every recording.
    """
    rows: list[dict[str, Any]] = []
    warnings: list[str] = []
    provenance = {}
    ids = project.recording_ids()
    for done, name in enumerate(ids):
        report("data", done, len(ids), name)
        streams, made, problem = _streams_of(project, name)
        if problem:
            warnings.append(problem)
        if made:
            provenance[name] = made
        rows += [_stream_row(project, name, *item, made) for item in streams.items()]
    streams_table = pd.DataFrame(rows, columns=list(STREAM_COLUMNS))
    actions, told = _actions(project)
    specs = [s for r in project.spec.recordings for s in r.streams.values()]
    readers = {str(s.reader) for s in specs if s.reader}
    return ProjectFacts(
        name=project.spec.name,
        recordings=_recordings(project, streams_table),
        streams=streams_table,
        actions=actions,
        options=to_dict(project.preprocessing()),
        provenance=provenance,
        accepted=tuple(vars(a) for a in project.spec.accepted),
        readers=tuple(sorted(readers)),
        warnings=tuple(dict.fromkeys([*warnings, *told])),
        has_anatomical=any(
            (project.derived_folder(name) / ANATOMICAL_FILE).exists() for name in ids
        ),
    )


def _streams_of(
    project: Project, name: str
) -> tuple[Mapping[str, Stream], Mapping[str, Any], str]:
    """Return prepared streams (else raw ones), how they were made, and a warning."""
    spec, folder = project.recording(name), project.derived_folder(name)
    problem = ""
    try:
        found = [p.text for p in derived_problems(project, name)]
        problem = "; ".join(found)
        if (folder / "manifest.json").exists():
            prepared = read_derived(folder, id=spec.id, animal=spec.animal)
            if prepared.streams:
                return prepared.streams, read_provenance(folder), problem
            return {}, read_provenance(folder), problem
        return project.raw_streams(name).streams, {}, problem
    except (NeuroembedError, OSError) as error:
        return {}, _provenance_or_none(folder), problem or str(error)


def _provenance_or_none(folder: Any) -> Mapping[str, Any]:
    try:
        return read_provenance(folder)
    except NeuroembedError:
        return {}


def _stream_row(
    project: Project, recording: str, name: str, stream: Stream, made: Mapping[str, Any]
) -> dict[str, Any]:
    spec = project.recording(recording)
    shape = tuple(int(n) for n in stream.data.shape)
    about, period = spec.streams.get(name), stream.time.period_s
    return {
        "recording": recording,
        "animal": spec.animal,
        "stream": name,
        "kind": stream.kind,
        "frames": len(stream),
        "minutes": (stream.time.stop_s - stream.time.start_s) / 60.0,
        "rate_hz": 1.0 / period if period else np.nan,
        "size": " × ".join(map(str, shape[1:])),
        "units": stream.units,
        "reader": (about.reader or "") if about else "",
        "invalid_frames": int((~np.asarray(stream.valid)).sum()),
        "prepared": bool(made),
    }


def _recordings(project: Project, streams: pd.DataFrame) -> pd.DataFrame:
    main = streams.sort_values("kind", key=_rank, kind="stable")
    longest = main.drop_duplicates("recording").set_index("recording")["minutes"]
    rows = [
        {
            "recording": r.id,
            "animal": r.animal,
            "minutes": float(longest.get(r.id, np.nan)),
            "streams": ", ".join(r.streams),
            "covariates": ", ".join(f"{k}: {v}" for k, v in r.covariates.items()),
        }
        for r in project.spec.recordings
    ]
    return pd.DataFrame(rows, columns=list(RECORDING_COLUMNS))


def _rank(kinds: pd.Series[Any]) -> pd.Series[Any]:
    """Return the order in which streams tell how long a recording is."""
    order = ["neural", "trace", "pose", "scalar", "video"]
    return kinds.map({kind: i for i, kind in enumerate(order)})


def _actions(project: Project) -> tuple[pd.DataFrame, list[str]]:
    empty = pd.DataFrame(columns=list(ACTION_COLUMNS))
    if not project.annotations_path.exists():
        return empty, ["Nothing is annotated: actions could not be judged."]
    try:
        with project.annotations(read_only=True) as store:
            bouts = store.bouts()
    except NeuroembedError as error:
        return empty, [str(error)]
    animal = {r.id: r.animal for r in project.spec.recordings}
    known = bouts[(bouts["state"] == 1) & bouts["recording"].isin(animal)]
    counted = known[known["source"].isin(COUNTED_SOURCES)]
    notes = []
    if len(counted) < len(known):
        n = len(known) - len(counted)
        notes.append(f"{n:,} bouts that a model proposed are not counted.")
    if counted.empty:
        return empty, [*notes, "Nothing is annotated: actions could not be judged."]
    table = counted.assign(
        animal=counted["recording"].map(animal),
        seconds=counted["stop_s"] - counted["start_s"],
    )
    grouped = table.groupby(["action", "animal"], sort=True)
    found = grouped.agg(
        bouts=("seconds", "size"),
        seconds=("seconds", "sum"),
        raters=("rater", _joined),
        sources=("source", _joined),
    )
    return found.reset_index()[list(ACTION_COLUMNS)], notes


def _joined(names: pd.Series[Any]) -> str:
    return ", ".join(sorted(set(map(str, names))))
