"""From the streams of a recording to layers of napari: lazy, in seconds, no window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import dask.array as da
import numpy as np
from numpy.typing import NDArray

import napari_neuroembed
from napari_neuroembed.data.recording import LazyArray, Recording, Stream, TimeAxis

N_LOOKED_AT = 32
"""Most frames that are read to choose the contrast."""

GAP = 0.06
"""Between the neural images and the video beside them, as a share of their width."""

COLORMAPS = ("green", "magenta", "cyan", "yellow")
"""Of the channels of neural images; one channel is grey."""


@dataclass(frozen=True)
class LayerSpec:
    """A layer as ``viewer.add_layer`` makes it, without napari.

    Parameters
    ----------
    kind
        Of layer.
    data
        What it shows, time first.
    options
        Keyword arguments of the layer.
    """

    kind: Literal["image", "points", "tracks", "vectors"]
    data: Any
    options: Mapping[str, Any] = field(default_factory=dict)


def provenance(recording: str, source: str, **more: Any) -> dict[str, Any]:
    """Return the metadata that every layer of ours carries."""
    facts: dict[str, Any] = {
        "source": source,
        "recording": recording,
        "run": "",
        "params": {},
        "seed": None,
        "version": napari_neuroembed.__version__,
    }
    return {"neuroembed": {**facts, **more}}


def image_specs(
    recording: Recording, name: str, *, source: str = ""
) -> list[LayerSpec]:
    """Return the layers of a neural stream, one per channel, reading 32 frames.

    Parameters
    ----------
    recording
        Lazily opened.
    name
        Of a ``neural`` stream, (time, y, x) or (time, channel, y, x).
    source
        What the layer's metadata say it comes from; default the stream's name.
    """
    stream = recording.streams[name]
    frames = lazy_frames(stream)
    channels = [frames] if frames.ndim == 3 else list(np.moveaxis(frames, 1, 0))
    named = stream.names if len(stream.names) == len(channels) else ()
    specs = []
    for number, channel in enumerate(channels):
        title = name if len(channels) == 1 else f"{name} {(named or range(9))[number]}"
        options = {
            "name": f"{recording.id} {title}",
            "scale": (stream.time.period_s, 1.0, 1.0),
            "translate": (stream.time.center(0), 0.0, 0.0),
            "units": ("s", "pixel", "pixel"),
            "contrast_limits": contrast_limits(channel),
            "colormap": "gray" if len(channels) == 1 else COLORMAPS[number % 4],
            "blending": "translucent" if number == 0 else "additive",
            "metadata": provenance(recording.id, source or name, unit=stream.units),
        }
        specs.append(LayerSpec("image", channel, options))
    return specs


def video_spec(recording: Recording, name: str = "video") -> LayerSpec:
    """Return the layer of a video, right of the neural images and as high as they."""
    stream = recording.streams[name]
    frames = lazy_frames(stream)
    place = beside(recording, stream)
    options = {
        "name": f"{recording.id} {name}",
        "rgb": frames.ndim == 4,
        "scale": (stream.time.period_s, place.scale, place.scale),
        "translate": (stream.time.center(0), 0.0, place.left),
        "units": ("s", "pixel", "pixel"),
        "contrast_limits": (0, 255),
        "metadata": provenance(recording.id, name),
    }
    return LayerSpec("image", frames, options)


@dataclass(frozen=True)
class Place:
    """Where camera pixels lie beside the neural images: scale, and left edge."""

    scale: float
    left: float


def beside(recording: Recording, video: Stream | None) -> Place:
    """Return where a video stands: right of the neural images, as high as they are."""
    neural = next(iter(recording.of_kind("neural").values()), None)
    if neural is None:
        return Place(1.0, 0.0)
    height, width = neural.data.shape[-2:]
    scale = 1.0 if video is None else height / video.data.shape[1]
    return Place(scale, width * (1 + GAP))


def lazy_frames(stream: Stream) -> Any:
    """Return a stream as a dask array of single frames on a regular clock.

    A stream with explicit times is shown on a clock of its median period, each moment
    by the frame nearest to it, so that it stays beside the others.
    """
    data: LazyArray = stream.data
    if not stream.time.is_regular:
        data = _OnRegularClock(stream.data, stream.time)
    chunks = (1, *data.shape[1:])
    return da.from_array(data, chunks=chunks, name=False)  # type: ignore[no-untyped-call]


def contrast_limits(frames: LazyArray) -> tuple[float, float]:
    """Return the 0.5 and 99.5 percentiles of at most 32 evenly spaced frames."""
    n = int(frames.shape[0])
    chosen = np.unique(np.linspace(0, n - 1, min(n, N_LOOKED_AT)).round().astype(int))
    values = np.concatenate([np.asarray(frames[i]).ravel() for i in chosen])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return (0.0, 1.0)
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    return (low, high) if high > low else (low, low + 1.0)


class _OnRegularClock:
    """Frames with explicit times, asked for by number on a clock of even steps."""

    def __init__(self, data: LazyArray, time: TimeAxis) -> None:
        self._data, self._time = data, time
        n = max(1, round((time.stop_s - time.edges()[0]) / time.period_s))
        self._centers = time.center(0) + np.arange(n) * time.period_s
        self.shape = (n, *data.shape[1:])
        self.dtype = data.dtype
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        first, *rest = key if isinstance(key, tuple) else (key,)
        frames = self._time.nearest(np.atleast_1d(self._centers[first]))
        found: NDArray[Any] = np.stack([np.asarray(self._data[int(i)]) for i in frames])
        if np.ndim(self._centers[first]) == 0:
            return np.asarray(found[0][tuple(rest)])
        return np.asarray(found[(slice(None), *rest)])
