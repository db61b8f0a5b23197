"""What an interrupted training must find again to go on, and what may differ.

Parameters, optimiser and step are in the checkpoint; all else is a function of (seed,
step), of the configuration, of the prepared data, and of the arithmetic of this
computer. Each of these is one row of :data:`KEPT`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from napari_neuroembed import files
from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.options.base import changed
from napari_neuroembed.store.run_folder import CONFIG, RunFolder
from napari_neuroembed.training.checkpoint import latest
from napari_neuroembed.training.setup import device_of

_ARRAYS = (".tif", ".npy")
_UNCOUNTED = ("facts", "schema_version")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Now:
    """Where a training is about to begin or to go on.

    Parameters
    ----------
    config_text
        Content of the run's ``config.yaml``.
    fingerprints
        Of every prepared recording, see :func:`fingerprints`.
    config
        What it says.
    """

    config_text: str
    fingerprints: Mapping[str, str]
    config: RunConfig


@dataclass(frozen=True)
class Kept:
    """One thing that is written into ``run.json`` and compared on resuming.

    Parameters
    ----------
    key
        Where in ``run.json``.
    what
        For the message.
    find
        Finds it now.
    refuses
        Whether another value refuses to go on; else the training goes on, no longer
        bit for bit.
    """

    key: str
    what: str
    find: Callable[[Now], Any]
    refuses: bool = False


KEPT: tuple[Kept, ...] = (
    Kept("config_hash", "configuration", lambda n: hash_of(n.config_text), True),
    Kept("data", "pre-processed data", lambda n: dict(n.fingerprints), True),
    Kept("torch", "torch", lambda _: torch.__version__),
    Kept("device", "device", lambda n: device_of(n.config).type),
    Kept("instructions", "instruction set", lambda _: _instructions()),
    Kept("threads", "number of threads", lambda _: torch.get_num_threads()),
    Kept("world_size", "number of processes", lambda n: n.config.training.devices),
)
"""All that decides what a resumed training computes; one row each.

A layout that ``training.layout=auto`` chose is not compared but used again, or the
training does not go on: see :func:`~napari_neuroembed.training.layout.kept`.
"""


def begin(now: Now) -> dict[str, Any]:
    """Return what ``run.json`` keeps of a training that begins."""
    return {**_found(now), **_versions(), "bit_exact": True}


def go_on(folder: RunFolder, now: Now) -> tuple[dict[str, Any], str]:
    """Compare with what ``run.json`` kept.

    Returns
    -------
    facts, text
        What ``run.json`` keeps from now on, and what differs (empty: nothing).

    Raises
    ------
    RunFolderError
        When configuration or data are not those the training began with.
    """
    info, found = folder.info(), _found(now)
    changed = [kept for kept in KEPT if info.get(kept.key) != found[kept.key]]
    refused = [kept for kept in changed if kept.refuses]
    if refused:
        texts = [_difference(kept, info, found, folder) for kept in refused]
        raise RunFolderError(
            f"Run {folder.name!r} cannot go on: {'; '.join(texts)}. Nothing was "
            "changed. Put it back as it was, or train a new run."
        )
    text = "; ".join(_difference(kept, info, found, folder) for kept in changed)
    if text:
        text = f"no longer bit for bit: {text}"
        _log.warning("Run %r goes on, %s.", folder.name, text)
    is_exact = bool(info.get("bit_exact")) and not changed and found["device"] == "cpu"
    return {**found, **_versions(), "bit_exact": is_exact}, text


def hash_of(config_text: str) -> str:
    """Return a short hash of all options in a ``config.yaml``, however it is laid out.

    Examples
    --------
    >>> hash_of("{a: 1, b: 2}") == hash_of("{b: 2, a: 1}  # the same")
    True
    """
    text = json.dumps(yaml.safe_load(config_text), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprints(project: Project) -> dict[str, str]:
    """Return a hash per prepared recording of all that a training reads of it.

    Its place among the others, animal, frames, clocks, frames that are not valid; not
    where the sources lay. Empty for one that is not prepared.
    """
    return {
        name: _fingerprint(project, name, f"{place}/{project.recording(name).animal}")
        for place, name in enumerate(project.recording_ids())
    }


def _fingerprint(project: Project, recording: str, head: str) -> str:
    folder = project.derived_folder(recording)
    if not (folder / files.MANIFEST).is_file():
        return ""
    digest = hashlib.sha256(head.encode())
    for name, entry in sorted(files.manifest_entries(folder / files.MANIFEST).items()):
        if Path(name).suffix in _ARRAYS:
            digest.update(f"{name}/{entry['sha256']}".encode())
        elif Path(name).suffix == ".json" and name != "provenance.json":
            about = files.read_json(folder / name)
            plain = {k: v for k, v in about.items() if k not in _UNCOUNTED}
            digest.update(json.dumps({name: plain}, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _found(now: Now) -> dict[str, Any]:
    return {kept.key: kept.find(now) for kept in KEPT}


def _versions() -> dict[str, Any]:
    names = {"napari-neuroembed": version("napari-neuroembed")}
    return {"versions": {**names, "python": platform.python_version()}}


def _instructions() -> str:
    """Return which vector instructions torch chose; others round otherwise."""
    return str(torch.backends.cpu.get_cpu_capability())


def _difference(
    kept: Kept, before: Mapping[str, Any], now: Mapping[str, Any], folder: RunFolder
) -> str:
    old, new = before.get(kept.key), now[kept.key]
    if kept.key == "config_hash":
        return f"{folder.path / CONFIG} was changed{_changed_options(folder)}"
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [n for n in {**old, **new} if old.get(n) != new.get(n)]
        return f"other {kept.what} of {', '.join(names)}"
    return f"other {kept.what} (then {old}, now {new})"


def _changed_options(folder: RunFolder) -> str:
    """Name the options that differ from those in the checkpoint's ``model.json``."""
    try:
        before = latest(folder.checkpoints).description["config"]
        after = yaml.safe_load((folder.path / CONFIG).read_text("utf-8"))
    except (RunFolderError, KeyError):
        return ""
    texts = changed(before, after)
    return f" ({', '.join(texts)})" if texts else ""
