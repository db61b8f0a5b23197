"""Requests to import recordings of the MC2P data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_neuroembed.data.importing.mc2p_checks import (
    POSE_RATE_HZ,
    RATE_HZ,
    Mc2pRequest,
    no_rates,
)
from napari_neuroembed.data.importing.mc2p_folder import (
    Mc2pFrames,
    Mc2pRecording,
    recording_in,
)
from napari_neuroembed.data.importing.request import ImportRequest, StreamRequest
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.roots import is_source
from napari_neuroembed.data.readers.mc2p.names import POSES, ROLES, is_pickle
from napari_neuroembed.data.recording import Covariate
from napari_neuroembed.errors import DataError

ROOT = "MC2P"
"""Name of the root that a project gives the folder."""


def request_for(
    asked: Mc2pRequest, one: Mc2pRecording, frames: Mc2pFrames | None = None
) -> ImportRequest:
    """Return the request that imports one recording with all it needs.

    Parameters
    ----------
    asked
        What to take.
    one
        A recording whose files are all there.
    frames
        Given to look only: where rates are missing or wrong, those that fit its
        synchronisation stand in for them, so that everything else can be checked.

    Raises
    ------
    DataError
        When a file is missing or in doubt; :func:`look` tells that beforehand.
    """
    assert one.name is not None
    rate, pose_rate = asked.rate_hz, asked.pose_rate(one.name.genotype)
    if frames is not None and frames.poses_per_image is not None:
        rate = rate or RATE_HZ
        pose_rate = rate * frames.poses_per_image
    images, pose, sync = (
        _file(one, role) for role in (asked.images, asked.pose, "sync")
    )
    streams = {
        "neural": StreamRequest(source=images, reader="mc2p", rate_hz=rate),
        "pose": StreamRequest(
            source=pose, rate_hz=pose_rate, sync_file=sync, **_reading(pose, asked.pose)
        ),
    }
    film = one.one("video")
    if asked.video and film is not None:
        streams["video"] = StreamRequest(source=film, like="pose")
    return ImportRequest(
        animal=one.name.animal,
        recording=one.name.recording,
        streams=streams,
        covariates=facts_of(one),
        salvage=asked.salvage,
        roots={ROOT: asked.folder.resolve()},
    )


def facts_of(one: Mc2pRecording) -> dict[str, Covariate]:
    """Return what the name of a folder says of its recording."""
    if one.name is None:
        return {}
    date = one.name.date
    return {
        "date": f"20{date[:2]}-{date[2:4]}-{date[4:]}",
        "genotype": one.name.genotype,
        "fly": one.name.fly,
        "trial": one.name.number,
    }


def complete_mc2p(request: ImportRequest) -> ImportRequest:
    """Name animal and recording of a request whose images are a folder of MC2P.

    What the folder holds beside the images is asked for, with the flags to copy
    (`mc2p.behaviour`), as are the rates, which no file states (`rate.missing`).
    """
    name, first = next(iter(request.streams.items()), ("", None))
    if first is None or not name.startswith("neural"):
        return request
    if isinstance(first.source, tuple) or is_source(first.source):
        return request
    folder = Path(first.source)
    one = recording_in(folder) if folder.is_dir() else None
    if one is None:
        return request
    findings = [*request.findings]
    if first.rate_hz is None:
        findings.append(Problem("rate.missing", "error", no_rates()))
    has_poses = any(role in one.files for role in POSES)
    if has_poses and not {"pose", "scalar"} & set(request.streams):
        text = (
            "poses lie beside the images and are not given. To take them: "
            f"{flags_for(one)}"
        )
        findings.append(Problem("mc2p.behaviour", "error", text))
    return replace(
        request,
        animal=request.animal or (one.name.animal if one.name else ""),
        recording=request.recording or (one.name.recording if one.name else None),
        covariates={**facts_of(one), **request.covariates},
        findings=tuple(findings),
    )


def flags_for(one: Mc2pRecording) -> str:
    """Return the flags that import what lies beside the images of a folder."""
    words = []
    poses = [path for role in POSES if (path := one.one(role)) is not None]
    pose = poses[0] if poses else None
    if pose is not None:
        words += ["--pose", str(pose), "--pose-rate", f"{POSE_RATE_HZ:g}"]
    sync, film = one.one("sync"), one.one("video")
    if pose is not None and sync is not None:
        words += ["--sync", str(sync)]
    if film is not None:
        words += ["--video", str(film)]
    return " ".join(words)


def _file(one: Mc2pRecording, role: str) -> Path:
    path = one.one(role)
    if path is None:
        raise DataError(f"{one.path}: one file of {ROLES[role].what} is needed.")
    return path


def _reading(pose: Path, role: str) -> dict[str, Any]:
    """Return how a file of poses is read: a pickle of DeepFly3D, or headerless."""
    if not is_pickle(pose):
        return {"reader": "mc2p"}
    options = {"points": "points2d"} if role == "points" else {}
    return {"reader": "df3d", "options": options}
