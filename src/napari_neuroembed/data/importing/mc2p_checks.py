"""What stands against importing recordings of the MC2P data set, all of it at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_neuroembed.data.clocks.frame_map import read_map
from napari_neuroembed.data.clocks.sync_numbers import read_numbers
from napari_neuroembed.data.importing.mc2p_folder import (
    PATTERN,
    Mc2pFrames,
    Mc2pRecording,
    find_recordings,
    measure,
)
from napari_neuroembed.data.problems import Problem, is_accepted
from napari_neuroembed.data.project.fingerprints import fingerprint
from napari_neuroembed.data.readers import READERS
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.mc2p.names import IMAGES, POSES, ROLES, is_pickle
from napari_neuroembed.errors import DataError
from napari_neuroembed.progress import Report, silent

RATES = "MC2P, values of the paper"
RATE_HZ, POSE_RATE_HZ = 16.0, 100.0
"""Of images and camera in the paper; no file of the data set states them."""
OTHER_RATE_HZ = 30.0
"""What the public loader lets suppose for some of the flies."""

_TOLERANCE = 0.01
EVERY = ""
"""Stands for all genotypes that have no rate of their own."""


@dataclass(frozen=True, kw_only=True)
class Mc2pRequest:
    """What to take from a folder of the data set.

    Parameters
    ----------
    folder
        The folder of folders, or one recording.
    images, pose
        Roles of the files to take.
    rate_hz
        Images per second; no file says it.
    pose_rate_hz
        Frames of the camera per second by genotype, :data:`EVERY` for all others.
    video
        Whether films are taken as well.
    without
        Names of recordings to leave out.
    salvage
        Take the whole frames of files that were cut.
    """

    folder: Path
    images: str = "dff"
    pose: str = "points"
    rate_hz: float | None = None
    pose_rate_hz: Mapping[str, float] = field(default_factory=dict)
    video: bool = True
    without: tuple[str, ...] = ()
    salvage: bool = False

    def pose_rate(self, genotype: str) -> float | None:
        """Return the rate of the camera of one fly, as given."""
        return self.pose_rate_hz.get(genotype, self.pose_rate_hz.get(EVERY))


@dataclass(frozen=True)
class Mc2pLook:
    """What a look at the folder found, before any frame is read.

    Parameters
    ----------
    recordings
        In natural order, without those left out.
    frames
        By name of the recording.
    problems
        What stands against an import; ``where`` names the recording.
    """

    recordings: tuple[Mc2pRecording, ...]
    frames: Mapping[str, Mc2pFrames]
    problems: tuple[Problem, ...]

    def is_sound(self, recording: str) -> bool:
        """Whether nothing but its rates keeps a recording from being opened."""
        own = {p.id for p in self.problems if p.where == recording}
        return not own - {"mc2p.rate"}


def look(
    asked: Mc2pRequest, accept: Collection[str] = (), report: Report = silent
) -> Mc2pLook:
    """Find recordings and what stands against importing them, all of it.

    Parameters
    ----------
    asked
        What to take.
    accept
        Ids of errors that somebody takes.
    report
        Called per recording.
    """
    found = find_recordings(asked.folder)
    kept = [one for one in found if one.id not in asked.without]
    problems = _whole(asked, found, kept)
    frames = {}
    contents: dict[tuple[str, object], list[str]] = {}
    for done, one in enumerate(kept):
        report("look", done, len(kept), one.id)
        frames[one.id] = measure(one, asked.images, asked.pose, salvage=asked.salvage)
        problems += _files(asked, one)
        problems += _sync(asked, one, frames[one.id])
        problems += _rates(asked, one, frames[one.id])
        for content in _contents(asked, one):
            contents.setdefault(content, []).append(one.id)
    problems += _twins(contents)
    left = [p for p in problems if p.severity == "error" and not is_accepted(p, accept)]
    return Mc2pLook(tuple(kept), frames, tuple(left))


def no_rates() -> str:
    """Return what is asked where no rate is given."""
    return (
        f"no file of the data set states a rate. {RATES}: --rate {RATE_HZ:g} "
        f"--pose-rate {POSE_RATE_HZ:g}; some flies were probably filmed at "
        f"{OTHER_RATE_HZ:g} per second. They are yours to say."
    )


def _whole(
    asked: Mc2pRequest, found: Sequence[Mc2pRecording], kept: Sequence[Mc2pRecording]
) -> list[Problem]:
    """Return what concerns the folder as a whole."""
    problems = []
    if not found:
        text = (
            f"{asked.folder} holds no recording of the MC2P data set: no folder named "
            f"{PATTERN} or with images such as 2p_dff.mm was found, {3} levels deep."
        )
        problems.append(Problem("mc2p.folder", "error", text))
    names = [one.id for one in found]
    unknown = [name for name in asked.without if name not in names]
    if unknown:
        text = (
            f"--without {' '.join(unknown)}: not found. There are {', '.join(names)}."
        )
        problems.append(Problem("mc2p.without", "error", text))
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [
        Problem("mc2p.twice", "error", f"{name}: several folders are called so.", name)
        for name in twice
    ]
    genotypes = {one.name.genotype for one in kept if one.name}
    lacking = sorted(g for g in genotypes if asked.pose_rate(g) is None)
    if kept and (asked.rate_hz is None or lacking):
        text = f"{no_rates()} Both at once: --rates paper."
        problems.append(Problem("rate.missing", "error", text))
    idle = sorted(set(asked.pose_rate_hz) - genotypes - {EVERY})
    if kept and idle:
        text = (
            f"--pose-rate {idle[0]}=...: no fly has that genotype. There are "
            f"{', '.join(sorted(genotypes))}."
        )
        problems.append(Problem("mc2p.genotype", "error", text))
    return problems


def _files(asked: Mc2pRequest, one: Mc2pRecording) -> list[Problem]:
    """Return what concerns the name and the files of one recording."""
    problems = []
    if one.name is None:
        text = f"{one.path} is not named {PATTERN}, so whose recording it is is unclear"
        problems.append(Problem("mc2p.name", "error", f"{text}.", one.id))
    for role in (asked.images, asked.pose, "sync"):
        files = one.files.get(role, ())
        if files and one.one(role) is None:
            listed = ", ".join(path.name for path in files)
            text = (
                f"{len(files)} files may be its {ROLES[role].what} ({listed}) and do "
                "not say the same. Move one of them elsewhere."
            )
            problems.append(Problem("mc2p.several", "error", text, one.id))
        elif not files:
            text = f"no file of {ROLES[role].what} ({ROLES[role].example})"
            others = [r for r in IMAGES if role in IMAGES and r in one.files]
            others += [r for r in POSES if role in POSES and r in one.files]
            flag = "--images" if role in IMAGES else "--pose"
            if others:
                text += f", but {flag} {others[0]} is there"
            problems.append(Problem("mc2p.missing", "error", f"{text}.", one.id))
    for role in (asked.images, asked.pose):
        path = one.one(role)
        if path is not None and not is_pickle(path):
            problems += _whole_frames(path, role, one.id, asked.salvage)
    return problems


def _whole_frames(path: Path, role: str, where: str, salvage: bool) -> list[Problem]:
    kind = "neural" if role in IMAGES else "pose"
    found = READERS["mc2p"].describe(Source((path,)), {"kind": kind}).problems
    return [
        replace(p, where=where)
        for p in found
        if p.severity == "error" and not (salvage and p.id == "raw.size")
    ]


def _sync(asked: Mc2pRequest, one: Mc2pRecording, frames: Mc2pFrames) -> list[Problem]:
    """Return what is wrong with the map from camera frames to images."""
    path = one.one("sync")
    if path is None or frames.images is None:
        return []
    try:
        values = read_numbers(path)
    except DataError as error:
        return [Problem("mc2p.sync", "error", str(error), one.id)]
    _, problems = read_map(values, frames.images, str(path))
    if frames.poses is not None and values.size != frames.poses:
        text = (
            f"{path.name} has {values.size:,} values, but there are {frames.poses:,} "
            f"frames of {ROLES[asked.pose].what}; one of them belongs to another "
            "recording or was cut."
        )
        problems.append(Problem("sync.length", "error", text))
    return [replace(p, where=one.id) for p in problems]


def _rates(asked: Mc2pRequest, one: Mc2pRecording, frames: Mc2pFrames) -> list[Problem]:
    """Compare the rates given with the frames that fall on one image."""
    pose_rate = asked.pose_rate(one.name.genotype) if one.name else None
    ratio = frames.poses_per_image
    if pose_rate is None or asked.rate_hz is None or ratio is None:
        return []
    measured = ratio * asked.rate_hz
    if abs(measured / pose_rate - 1) <= _TOLERANCE:
        return []
    genotype = one.name.genotype if one.name else ""
    text = (
        f"{pose_rate / asked.rate_hz:.3g} camera frames should fall on one image "
        f"({pose_rate:g} and {asked.rate_hz:g} per second), but by its synchronisation "
        f"{ratio:.3g} do: the camera would be at {measured:.4g} per second. Say "
        f"--pose-rate {genotype}={measured:.0f}, or another --rate."
    )
    return [Problem("mc2p.rate", "error", text, one.id)]


def _contents(asked: Mc2pRequest, one: Mc2pRecording) -> list[tuple[str, object]]:
    """Return by what images and poses are recognised: role, and size and hash."""
    paths = [(role, one.one(role)) for role in (asked.images, asked.pose)]
    return [
        (role, fingerprint(path, path.name).content)
        for role, path in paths
        if path is not None
    ]


def _twins(contents: Mapping[tuple[str, object], Sequence[str]]) -> list[Problem]:
    """Find recordings that share the content of their images or poses."""
    problems = []
    for (role, _), names in contents.items():
        if len(names) > 1:
            text = (
                f"{', '.join(names)} have the same {ROLES[role].what}. The same data "
                "in two recordings make every score of identity and action wrong."
            )
            problems.append(Problem("source.duplicate", "error", text))
    return problems
