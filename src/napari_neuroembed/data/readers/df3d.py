"""Reader `df3d`: pickles of DeepFly3D and of what is made from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.fly_points import (
    Found,
    joint_angles,
    legs_by_array,
    legs_by_joint,
    predictions,
    result,
)
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.data.unpickle import load_pickle
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import Df3dOptions


class Df3dReader:
    """Points or angles of a fly, in one order of legs and joints; nothing is run."""

    name = "df3d"
    kinds: tuple[Kind, ...] = ("pose",)
    options = Df3dOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.92 for any pickle: what is in it shows only when it is read."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        with source.path.open("rb") as file:
            head = file.read(2)
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 1))
            last = file.read(1)
        if len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and last == b".":
            return 0.92, "is a pickle"
        return 0.0, "does not begin and end like a pickle"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the pickle."""
        return describe_signals(self._load(source, options))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Read the pickle; it has no rate, so that must be given."""
        del salvage
        return read_signals(self._load(source, options), rate_hz, accept)

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(Df3dOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader df3d takes one file.")
        found = _read(load_pickle(source.path), told, source)
        notes = [Problem("pose.points", "note", t, source.name) for t in found.notes]
        return Signals(
            name=source.name,
            kind="pose",
            data=found.data,
            names=found.names,
            unit=told.unit or found.unit,
            confidence=found.confidence,
            facts={"content": found.what},
            problems=tuple(notes),
        )


def _read(content: Any, told: Df3dOptions, source: Source) -> Found:
    """Return the points or angles, whichever of the known forms they have.

    Raises
    ------
    DataError
        When it is none of them (`pose.header`).
    """
    try:
        found = (
            result(content, told)
            or predictions(content, told)
            or legs_by_array(content)
            or legs_by_joint(content)
            or joint_angles(content, source.path.name)
        )
    except DataError as error:
        raise DataError(f"{source.path}: {error}") from error
    if found is None:
        raise DataError(
            f"{source.path} holds {_about(content)}. Expected a DeepFly3D result "
            "(points2d, points3d), an array of predictions, aligned poses by leg, or "
            "joint angles, with equal numbers of frames. Export it as npz. "
            "[pose.header]"
        )
    return found


def _about(content: Any) -> str:
    if isinstance(content, Mapping):
        keys = ", ".join(repr(key) for key in [*content][:6])
        return f"a dict with {len(content)} keys ({keys or 'none'})"
    shape = getattr(content, "shape", None)
    return f"an array {shape}" if shape is not None else f"a {type(content).__name__}"
