"""The preview of pose swapping: whose poses take a window's place."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_neuroembed.api.preview_poses import Pools, make_pools, pose_of
from napari_neuroembed.api.preview_sources import (
    Answer,
    FieldError,
    Kept,
    PreparedRecording,
    Sources,
)
from napari_neuroembed.api.preview_windows import (
    Movie,
    Window,
    images_of,
    movie_of,
    window_of,
)
from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.pose_swap import PoseSwap
from napari_neuroembed.augmentation.swap import build_swap_table, draw_swaps
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.data.windows import members
from napari_neuroembed.errors import DataError
from napari_neuroembed.jobs.preview_lines import AugmentAsk
from napari_neuroembed.methods.randomness import generator
from napari_neuroembed.options.augmentation import PoseSwapOptions
from napari_neuroembed.options.windows import WindowOptions

QUERIES = 200
"""Poses of each animal whose neighbours decide the temperature `auto`."""

Float = NDArray[np.float32]
_WHY = {
    "edge": "reach over an end of the poses",
    "gap": "have a gap in time between them",
    "invalid": "include poses that are missing",
    "jitter": "lie too far from their nominal times",
}


@dataclass(frozen=True, eq=False)
class Own:
    """The window whose poses are swapped.

    Parameters
    ----------
    window
        Its images.
    stream
        The poses of its recording.
    frames
        Its pose frames.
    values
        (time, feature).
    step
        Of `frames`.
    """

    window: Window
    stream: Stream
    frames: NDArray[np.int64]
    values: Float
    step: int


class SwapPreview:
    """Answers `augment` of the kind ``pose_swap``.

    Parameters
    ----------
    sources
        The project.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._pools: Kept[Pools] = Kept(2)

    def answer(self, ask: AugmentAsk, options: PoseSwapOptions) -> Answer:
        """Return the poses before and after, the donor's images, and whose they are.

        Raises
        ------
        FieldError
            Without a recording.
        DataError
            When fewer than two animals have prepared poses, or none lie here.
        """
        prepared = self._all(ask)
        mine = prepared[str(ask.recording)]
        name = pose_of(mine.recording)
        own = _own(ask, mine, name)
        length = 1 if options.unit == "frame" else ask.pose_frames
        pools = self._pools_of(prepared, name, length, own.step)
        donor, row, after, mask = _draw(ask, options, pools, own, mine.recording.animal)
        whose = _donors(pools, donor, row, mask, own.step)
        images, notes = self._images(ask, own, prepared, whose, name)
        facts = {
            "recording": ask.recording,
            "animal": mine.recording.animal,
            "first_frame": int(own.window.frames[0]),
            "n_frames": ask.n_frames,
            "step": ask.step,
            "rate_hz": 1.0 / (_movie(mine).time.period_s * ask.step),
            "center_s": own.window.center_s,
            "units": _movie(mine).units,
            "kind": ask.kind,
            "drawn": {"pose_swap": {"donors": whose}},
            "words": [_words(whose)],
            "pose": {
                "stream": name,
                "names": list(own.stream.names),
                "n_dims": own.stream.facts.get("n_dims"),
                "units": own.stream.units,
                "first_frame": int(own.frames[0]),
                "step": own.step,
                "time_s": [own.stream.time.center(int(f)) for f in own.frames],
            },
            "notes": [*mine.notes, *pools.left_out, *notes],
        }
        arrays = {
            "before": own.window.values,
            "after": images,
            "pose_before": own.values,
            "pose_after": after,
        }
        return Answer(facts, arrays)

    def _all(self, ask: AugmentAsk) -> dict[str, PreparedRecording]:
        """Return all prepared recordings, the one asked for among them."""
        if ask.recording is None:
            raise FieldError(
                "Swapping takes poses of other animals and needs a recording of a "
                "project; an array has none.",
                "recording",
            )
        names = self._sources.project.recording_ids()
        found = {name: self._sources.prepared(name) for name in names}
        prepared = {name: one for name, one in found.items() if one is not None}
        self._sources.project.recording(ask.recording)
        if ask.recording not in prepared:
            raise DataError(
                f"Swapping needs pre-processed recordings, and {ask.recording!r} is "
                f"not. Run: neuroembed preprocess {self._sources.path}."
            )
        return prepared

    def _pools_of(
        self,
        prepared: dict[str, PreparedRecording],
        name: str,
        length: int,
        step: int,
    ) -> Pools:
        stamps = tuple((key, one.stamp) for key, one in prepared.items())
        key: Hashable = (stamps, name, length, step)
        recordings = [one.recording for one in prepared.values()]
        return self._pools.get(key, lambda: make_pools(recordings, name, length, step))

    def _images(
        self,
        ask: AugmentAsk,
        own: Own,
        prepared: dict[str, PreparedRecording],
        whose: Sequence[dict[str, Any] | None],
        name: str,
    ) -> tuple[Float, list[str]]:
        """Return the donor's images about the pose in the middle of the window."""
        middle = len(whose) // 2
        chosen = whose[middle]
        if chosen is None:
            return own.window.values, []
        donor = prepared[chosen["recording"]]
        movie = _movie(donor)
        if movie.shape != own.window.values.shape[1:]:
            text = f"{movie.recording} has images of another size; they are not shown."
            return own.window.values, [text]
        after = own.stream.time.center(int(own.frames[middle])) - own.window.center_s
        time_s = donor.recording.streams[name].time.center(chosen["frame"]) - after
        frame = int(movie.time.nearest(np.array([time_s]))[0])
        span = (ask.n_frames - 1) * ask.step + 1
        first = min(max(0, frame - span // 2), max(0, len(movie.valid) - span))
        frames = np.minimum(
            first + ask.step * np.arange(ask.n_frames), len(movie.valid) - 1
        )
        note = (
            "In training the poses are swapped and the images stay; the images after "
            "are those of the donor of the pose in the middle."
        )
        return movie.frames(frames), [note]


def _movie(prepared: PreparedRecording) -> Movie:
    if images_of(prepared.recording) is None:
        raise DataError(
            f"Recording {prepared.recording.id!r} has no images to show beside poses."
        )
    return movie_of(prepared.recording, prepared.stamp)


def _own(ask: AugmentAsk, mine: PreparedRecording, name: str) -> Own:
    """Find the pose frames about the middle of the window, as training does."""
    window = window_of(_movie(mine), ask.frame, ask.n_frames, ask.step)
    stream = mine.recording.streams[name]
    step = max(1, round(ask.pose_step_s / (stream.time.period_s or 1.0)))
    found = members(
        stream,
        np.array([window.center_s]),
        count=ask.pose_frames,
        step=step,
        options=WindowOptions(),
    )
    if not found.usable[0]:
        raise DataError(
            f"The {ask.pose_frames} frames of {name} about {window.center_s:.2f} s "
            f"{_WHY[str(found.reason[0])]}, and training takes no such window. Look "
            "at another moment."
        )
    frames = int(found.first[0]) + step * np.arange(ask.pose_frames, dtype=np.int64)
    values = np.asarray(stream.data[frames], dtype=np.float32)
    return Own(window, stream, frames, values, step)


def _draw(
    ask: AugmentAsk, options: PoseSwapOptions, pools: Pools, own: Own, animal: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float, NDArray[np.bool_]]:
    """Return donor animals and rows (time,), the swapped poses, and where they are."""
    number = pools.animals.index(animal)
    is_frame = options.unit == "frame"
    mine = own.values[:, None] if is_frame else own.values[None]
    features = [pools.scaled(pool.values) for pool in pools.pools]
    n_queries = QUERIES if options.temperature == "auto" else 1
    queries = [_spread(one, n_queries) for one in features]
    queries[number] = np.concatenate([pools.scaled(mine), queries[number]])
    table = build_swap_table(
        features, pools.animals, options.neighbours, queries=queries
    )
    donor, row = draw_swaps(
        table,
        torch.arange(len(mine))[None],
        torch.tensor([number]),
        generator(ask.seed, 0, "swap"),
        temperature=table.temperature(options.temperature),
        include_own=options.include_own,
    )
    chosen = [
        own_row if int(d) == number else pools.pools[int(d)].values[int(r)]
        for own_row, d, r in zip(mine, donor[0], row[0], strict=True)
    ]
    swapped = torch.from_numpy(np.concatenate(chosen))[None]
    given = (donor != number).expand(1, len(own.frames))
    if ask.always:
        options = dataclasses.replace(options, p=1.0)
    swap = PoseSwap(options)
    context = AugmentationContext(
        n=1,
        shape=own.values.shape,
        rate_hz=1.0 / (own.step * own.stream.time.period_s),
        swapped=swapped,
        swap_mask=given,
    )
    params = swap.draw(context, generator(ask.seed, 0, "pose/pose_swap"))
    after = swap.apply(torch.from_numpy(own.values)[None], params)[0].numpy()
    return donor[0].numpy(), row[0].numpy(), after, params["mask"][0].numpy()


def _spread(values: Float, n: int) -> Float:
    """Return up to `n` rows, evenly spread."""
    chosen = np.linspace(0, len(values) - 1, min(n, len(values)))
    return values[chosen.round().astype(np.int64)]


def _donors(
    pools: Pools,
    donor: NDArray[np.int64],
    row: NDArray[np.int64],
    mask: NDArray[np.bool_],
    step: int,
) -> list[dict[str, Any] | None]:
    """Say of every pose frame whose it is now; None: its own."""
    whose: list[dict[str, Any] | None] = []
    for j, is_swapped in enumerate(mask):
        if not is_swapped:
            whose.append(None)
            continue
        place = j if len(donor) > 1 else 0
        pool = pools.pools[int(donor[place])]
        r = int(row[place])
        first = int(pool.first[r]) + (0 if len(donor) > 1 else j * step)
        recording = pool.recordings[int(pool.owner[r])]
        whose.append(
            {"recording": recording.id, "animal": recording.animal, "frame": first}
        )
    return whose


def _words(whose: Sequence[dict[str, Any] | None]) -> str:
    found = [one for one in whose if one is not None]
    if not found:
        return "pose_swap: left alone this time."
    animals = ", ".join(dict.fromkeys(one["animal"] for one in found))
    middle = whose[len(whose) // 2] or found[0]
    return (
        f"pose_swap: {len(found)} of {len(whose)} poses are similar ones of {animals}; "
        f"in the middle frame {middle['frame']:,} of {middle['recording']} (animal "
        f"{middle['animal']})."
    )
