"""The pose of one moment as joints and limbs, on the video or beside the images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Recording, Stream
from napari_neuroembed.widgets.stream_layers import Place, beside

_SPAN = (1.0, 99.0)


@dataclass(frozen=True)
class PoseView:
    """A pose stream and how its points become places on the canvas.

    Parameters
    ----------
    stream
        (time, point, dimension), 2 or 3 dimensions.
    limbs
        Pairs of points that a line joins, shape (limb, 2).
    factor, offset
        Canvas place (y, x) of a point (x, y): ``offset + factor * (y, x)``.
    """

    stream: Stream
    limbs: NDArray[np.int64]
    factor: NDArray[np.float64]
    offset: NDArray[np.float64]

    def at(self, time_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the joints and limbs of the frame nearest to a time.

        Returns
        -------
        joints
            Shape (seen joints, 2), (y, x).
        limbs
            Shape (seen limbs, 2, 2): start and direction, as Vectors layers take it.
        """
        frame = int(self.stream.time.nearest(np.array([time_s]))[0])
        points = np.asarray(self.stream.data[frame], dtype=np.float64)[:, [1, 0]]
        if not self.stream.valid[frame]:
            points = np.full_like(points, np.nan)
        places = self.offset + self.factor * points
        ends = places[self.limbs]
        lines = np.stack([ends[:, 0], ends[:, 1] - ends[:, 0]], axis=1)
        return (
            places[np.isfinite(places).all(axis=1)],
            lines[np.isfinite(lines).all(axis=(1, 2))],
        )


def pose_view(recording: Recording, name: str = "pose") -> PoseView | None:
    """Return how to draw a pose; None where its numbers are no places (angles).

    Pixels of a camera whose video there is are drawn on the video. Everything else is
    fitted into a square beside the neural images: the first two coordinates.
    """
    stream = recording.streams[name]
    if len(stream.data.shape) != 3 or stream.units in ("rad", "deg"):
        return None
    video = next(iter(recording.of_kind("video").values()), None)
    place = beside(recording, video)
    limbs = limbs_of(stream.names)
    if stream.units == "px" and video is not None:
        factor = np.full(2, place.scale)
        return PoseView(stream, limbs, factor, np.array([0.0, place.left]))
    return _fitted(recording, stream, limbs, place)


def limbs_of(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the pairs of neighbouring points that share the first part of their name.

    Examples
    --------
    >>> limbs_of(("LF_Coxa", "LF_Femur", "LF_Claw", "RF_Coxa", "nose")).tolist()
    [[0, 1], [1, 2]]
    """
    pairs: list[tuple[int, int]] = []
    heads = [name.replace(" ", "_").rpartition("_")[0] for name in names]
    for head, group in groupby(enumerate(heads), key=lambda item: item[1]):
        numbers = [number for number, _ in group]
        if head and len(numbers) > 1:
            pairs += pairwise(numbers)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _fitted(
    recording: Recording, stream: Stream, limbs: NDArray[np.int64], place: Place
) -> PoseView:
    neural = next(iter(recording.of_kind("neural").values()), None)
    side = 100.0 if neural is None else float(neural.data.shape[-2])
    n = len(stream)
    chosen = np.unique(np.linspace(0, n - 1, min(n, 200)).astype(int))
    some = np.stack([np.asarray(stream.data[int(i)], dtype=float) for i in chosen])
    low, high = np.nanpercentile(some[..., [1, 0]].reshape(-1, 2), _SPAN, axis=0)
    scale = side * 0.9 / max(float((high - low).max()), 1e-12)
    left = np.array([0.0, place.left])
    offset = left + side / 2 - scale * (low + high) / 2
    return PoseView(stream, limbs, np.full(2, scale), offset)
