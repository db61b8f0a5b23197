"""Whether prepared data were made from what project.yaml says now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.fingerprints import Fingerprint, as_plain
from napari_neuroembed.data.project.spec import RecordingSpec, stream_kind
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import MANIFEST, read_json
from napari_neuroembed.options.base import to_dict

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

_READING = ("kind", "reader", "rate_hz", "sync", "channels", "reader_options")
_PLACES = ("file", "frames")
_NO_DIFFERENCE = ("max_memory_mb",)

TEMPLATE = "registration:template"
"""Key of the template among the sources; no stream can have this name."""


def provenance_of(project: Project, recording: str) -> dict[str, Any]:
    """Return what a prepared recording is made from.

    Returns
    -------
    dict
        ``sources``: by stream, size and hash of every file and how it is read and
        timed, and the hash of the template of the animal's first recording, where
        images are moved onto it; whoever changes one of these makes derived data out
        of date, whoever moves files does not. ``files``: where they were.
        ``accepted``: what somebody took in spite of a refusal.
    """
    spec = project.recording(recording)
    records = project.records_of(recording)
    accepted = [
        {"check": a.check, "why": a.why, "by": a.by}
        for a in project.spec.accepted
        if a.recording in (None, recording)
    ]
    return {
        "recording": recording,
        "animal": spec.animal,
        "sources": {**identity(spec, records), **_template(project, spec)},
        "files": as_plain(records),
        "accepted": accepted,
    }


def identity(
    spec: RecordingSpec, records: Mapping[str, list[Fingerprint]]
) -> dict[str, Any]:
    """Return all that decides what is read, and nothing that does not."""
    streams = TypeAdapter(RecordingSpec).dump_python(spec, mode="json")["streams"]
    found: dict[str, Any] = {}
    for name, stream in streams.items():
        about = {key: stream[key] for key in _READING}
        about["sync"] = _without_places(about["sync"])
        about["salvage"] = spec.salvage
        for part in (name, f"{name}:sync"):
            if part in records:
                about[part] = [list(entry.content) for entry in records[part]]
        found[name] = about
    return found


def first_recording(project: Project, animal: str) -> str:
    """Return the first recording of an animal, whose template the others follow."""
    return next(r.id for r in project.spec.recordings if r.animal == animal)


def _template(project: Project, spec: RecordingSpec) -> dict[str, Any]:
    """Return the hash of the template that this recording's images are moved onto."""
    from napari_neuroembed.data.derived import TEMPLATE_FILE

    registration = project.preprocessing().registration
    first = first_recording(project, spec.animal)
    has_images = any(stream_kind(n, s) == "neural" for n, s in spec.streams.items())
    follows = registration.method != "none" and registration.reference == "animal"
    if first == spec.id or not (has_images and follows):
        return {}
    try:
        manifest = read_json(project.derived_folder(first) / MANIFEST)
        digest = manifest["files"][TEMPLATE_FILE]["sha256"]
    except (DataError, KeyError, TypeError):
        return {}  # there is none (yet)
    return {TEMPLATE: {"recording": first, "sha256": digest}}


def derived_problems(project: Project, recording: str) -> list[Problem]:
    """Say whether a recording must be pre-processed (again).

    Returns
    -------
    Empty when it is up to date; else a note ``derived.missing``, or a warning
    ``derived.out_of_date`` that names what changed.
    """
    from napari_neuroembed.data.derived import read_provenance

    folder = project.derived_folder(recording)
    advice = f"Run: neuroembed preprocess {project.path}."
    if not (folder / "manifest.json").exists():
        text = f"Recording {recording!r} is not pre-processed. {advice}"
        return [Problem("derived.missing", "note", text, recording)]
    made = read_provenance(folder)
    now = provenance_of(project, recording)
    differences = compare_sources(made.get("sources", {}), now["sources"])
    if _deciding(made.get("options", {})) != _deciding(
        to_dict(project.preprocessing())
    ):
        differences.append("the options of pre-processing")
    if not differences:
        return []
    text = (
        f"Recording {recording!r} was pre-processed before a change of "
        f"{', '.join(differences)}. {advice}"
    )
    return [Problem("derived.out_of_date", "warning", text, recording)]


def compare_sources(made: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two results of :func:`identity`.

    Examples
    --------
    >>> compare_sources({"pose": {"rate_hz": 30.0}}, {"pose": {"rate_hz": 31.0}})
    ['pose.rate_hz']
    """
    differences = []
    for name in sorted(set(made) | set(now)):
        before, after = made.get(name), now.get(name)
        if name == TEMPLATE:
            if before != after:
                differences.append("the template of the animal's first recording")
            continue
        if before is None or after is None:
            differences.append(f"{name} (stream {'added' if after else 'removed'})")
            continue
        keys = sorted(set(before) | set(after))
        changed = [key for key in keys if before.get(key) != after.get(key)]
        differences += [_where(name, key) for key in changed]
    return differences


def _where(name: str, key: str) -> str:
    if key == name:
        return f"the files of {name}"
    return f"the sync files of {name}" if key.endswith(":sync") else f"{name}.{key}"


def _without_places(sync: dict[str, Any] | None) -> dict[str, Any] | None:
    if sync is None:
        return None
    return {key: value for key, value in sync.items() if key not in _PLACES}


def _deciding(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in _NO_DIFFERENCE}
