"""The preview of augmentations: one window before and after, and what was drawn."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import torch

from napari_neuroembed.api.preview_drawn import described
from napari_neuroembed.api.preview_preprocess import (
    PreprocessPreview,
    checked,
    neural_stream,
)
from napari_neuroembed.api.preview_sources import (
    ARRAY,
    Answer,
    FieldError,
    Kept,
    Sources,
    one_of,
)
from napari_neuroembed.api.preview_swap import SwapPreview
from napari_neuroembed.api.preview_windows import (
    Movie,
    Scale,
    Window,
    away_from,
    images_of,
    movie_of,
    scale_of,
    window_of,
)
from napari_neuroembed.augmentation import AUGMENTATIONS
from napari_neuroembed.augmentation.base import (
    Augmentation,
    AugmentationContext,
    Params,
)
from napari_neuroembed.augmentation.calcium import CalciumDecay
from napari_neuroembed.augmentation.pipeline import apply_all, build, draw_all
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.jobs.preview_lines import MAX_ARRAY_BYTES, AugmentAsk
from napari_neuroembed.methods.randomness import generator
from napari_neuroembed.options.augmentation import AugmentationOptions
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.preprocessing.stages import digest_of
from napari_neuroembed.progress import Report

SECTION = "augmentation"
ALL, SWAP = "all", "pose_swap"
KINDS = (
    ALL,
    *(name for name, kind in AUGMENTATIONS.items() if kind.target == "neural"),
    SWAP,
)
"""What can be previewed: neural augmentations, all of them, and swapping."""

_DONORS = 32
"""Raw frames prepared on each side of a window and its guard, to draw a donor from."""


@dataclasses.dataclass(frozen=True)
class Donor:
    """A donor frame and where it comes from.

    Parameters
    ----------
    image
        (y, x), minus the median where that is asked for.
    recording, animal, frame
        Whose it is; no recording and animal for a given array.
    """

    image: torch.Tensor
    recording: str | None
    animal: str | None
    frame: int


class AugmentPreview:
    """Answers `augment`.

    Parameters
    ----------
    sources
        The project and the given arrays.
    preprocess
        Prepares raw frames where there are no prepared ones.
    """

    def __init__(self, sources: Sources, preprocess: PreprocessPreview) -> None:
        self._sources, self._preprocess = sources, preprocess
        self._swap = SwapPreview(sources)
        self._scales: Kept[Scale] = Kept(64)
        self._raw_movies: Kept[Movie] = Kept(2)

    def answer(self, ask: AugmentAsk, report: Report) -> Answer:
        """Return a window before and after, with what was drawn in words.

        Raises
        ------
        ConfigError
            When an option is wrong, by its name.
        DataError
            When no window or donor can be taken there.
        """
        one_of(ask.recording, ask.array)
        options = checked(AugmentationOptions, ask.options, SECTION)
        if ask.kind not in KINDS:
            text = f"There is no preview of {ask.kind!r}; known: {', '.join(KINDS)}."
            raise FieldError(text, "kind")
        if ask.kind == SWAP:
            return self._swap.answer(ask, options.pose_swap)
        chain, notes = chain_of(ask, options)
        movie, more = self._movie(ask, options, report)
        window = window_of(movie, ask.frame, ask.n_frames, ask.step)
        scale = self._scale(movie)
        donor = None
        if any(one.name == CalciumDecay.name for one in chain):
            donor = self._donor(ask, options, movie, window)
        batch = torch.from_numpy(window.values)[None]
        context = AugmentationContext(
            n=1,
            shape=window.values.shape,
            rate_hz=1.0 / (movie.time.period_s * ask.step),
            scale_sd=scale.sd,
            donors=None if donor is None else donor.image[None],
        )
        params = _draw(ask, chain, context)
        after = apply_all(batch, chain, params)[0].numpy()
        drawn, words = described(chain, params, donor, movie.units)
        facts = {
            "recording": ask.recording,
            "animal": None if ask.recording is None else movie.animal,
            "first_frame": int(window.frames[0]) + movie.first,
            "n_frames": ask.n_frames,
            "step": ask.step,
            "rate_hz": _rate(ask, movie),
            "center_s": None if _rate(ask, movie) is None else window.center_s,
            "units": movie.units,
            "scale_sd": scale.sd,
            "kind": ask.kind,
            "drawn": drawn,
            "words": words,
            "notes": [*notes, *more],
        }
        arrays = {"before": window.values, "after": after}
        if donor is not None:
            arrays["donor"] = donor.image.numpy()
        return Answer(facts, arrays)

    def _movie(
        self, ask: AugmentAsk, options: AugmentationOptions, report: Report
    ) -> tuple[Movie, tuple[str, ...]]:
        """Return the frames asked for, and what to know about them."""
        if ask.recording is None:
            return self._given(ask), ()
        prepared = self._sources.prepared(ask.recording)
        if prepared is not None and images_of(prepared.recording) is not None:
            return movie_of(prepared.recording, prepared.stamp), prepared.notes
        movie = self._raw(ask, options, report)
        n = int(movie.data.shape[0])
        note = (
            f"Recording {ask.recording!r} is not pre-processed: dF/F was made of its "
            f"{n:,} raw frames from {movie.first:,} on, and is larger in a whole "
            "run; donors come from these frames."
        )
        return movie, (note,)

    def _given(self, ask: AugmentAsk) -> Movie:
        assert ask.array is not None
        data = self._sources.array(ask.array, rgb=ask.rgb)
        n = data.shape[0]
        clock = TimeAxis(n, rate_hz=ask.rate_hz or 1.0)
        return Movie("The array", ARRAY, data, np.ones(n, dtype=bool), clock)

    def _raw(
        self, ask: AugmentAsk, options: AugmentationOptions, report: Report
    ) -> Movie:
        """Make dF/F of raw frames about the window, enough of them for donors."""
        assert ask.recording is not None
        name = ask.recording
        whole = self._sources.raw(name)
        stream = neural_stream(whole)
        height, width = stream.data.shape[-2:]
        span = (ask.n_frames - 1) * ask.step + 1
        guard = round(options.calcium_decay.guard_s / stream.time.period_s)
        most = max(span, MAX_ARRAY_BYTES // (4 * height * width) // 2)
        n = min(span + 2 * (guard + _DONORS), most)
        steps = self._sources.project.preprocessing()

        def make() -> Movie:
            raw = self._preprocess.raw(name, ask.frame, max(2, n))
            piece, _ = self._preprocess.prepare(raw, steps, report)
            units = "counts" if steps.dff.method == "none" else "dff_percent"
            return Movie(
                recording=name,
                animal=whole.animal,
                data=piece.after,
                valid=piece.valid,
                time=raw.stream.time,
                first=raw.first,
                units=units,
            )

        key = (name, self._sources.stamp, ask.frame, n, digest_of(to_dict(steps)))
        return self._raw_movies.get(key, make)

    def _scale(self, movie: Movie) -> Scale:
        if movie.stamp is None:
            return scale_of(movie)
        key = (movie.recording, movie.stamp)
        return self._scales.get(key, lambda: scale_of(movie))

    def _donor(
        self,
        ask: AugmentAsk,
        options: AugmentationOptions,
        movie: Movie,
        window: Window,
    ) -> Donor:
        """Draw a frame of the same animal, away from the window."""
        if ask.recording is None and ask.rate_hz is None:
            raise FieldError(
                "Calcium decay needs the frames per second of the array.", "rate_hz"
            )
        chosen = options.calcium_decay
        candidates = self._of_animal(movie) if movie.stamp is not None else [movie]
        guard = round(chosen.guard_s / movie.time.period_s)
        frames = away_from(window, movie, candidates, guard)
        counts = np.array([len(one) for one in frames])
        if not counts.sum():
            raise FieldError(
                f"{movie.recording}: no usable frame lies {chosen.guard_s:g} s or more "
                f"from this window of {ask.n_frames:,} frames, so that there is no "
                "donor. Choose a smaller augmentation.calcium_decay.guard_s, or more "
                "frames.",
                f"{SECTION}.calcium_decay.guard_s",
            )
        rng = generator(ask.seed, 0, "donor")
        pick = int(torch.rand((), generator=rng, dtype=torch.float64) * counts.sum())
        place = int(np.searchsorted(np.cumsum(counts), pick, side="right"))
        whose = candidates[place]
        frame = int(frames[place][pick - int(counts[:place].sum())])
        image = whose.frames(np.array([frame]))[0]
        if chosen.subtract_median:
            image = image - self._scale(whose).median
        names = (whose.recording, whose.animal) if ask.recording else (None, None)
        return Donor(torch.from_numpy(image), names[0], names[1], frame + whose.first)

    def _of_animal(self, movie: Movie) -> list[Movie]:
        """Return the prepared recordings of an animal that have such frames."""
        project = self._sources.project
        names = [r.id for r in project.spec.recordings if r.animal == movie.animal]
        prepared = [self._sources.prepared(name) for name in names]
        movies = [
            movie_of(one.recording, one.stamp)
            for one in prepared
            if one is not None and images_of(one.recording) is not None
        ]
        return [one for one in movies if one.shape == movie.shape]


def chain_of(
    ask: AugmentAsk, options: AugmentationOptions
) -> tuple[list[Augmentation], list[str]]:
    """Return the augmentations to apply, and what to know about their probability."""
    notes = []
    if ask.kind != ALL:
        p = getattr(options, ask.kind).p
        if ask.always:
            notes.append(
                f"Shown as applied; in training a window has it with probability {p:g}."
            )
            options = _switched_on(options, ask.kind)
        return [AUGMENTATIONS[ask.kind](getattr(options, ask.kind))], notes
    for one in build(options, "neural") if ask.always else ():
        options = _switched_on(options, one.name)
    chain = build(options, "neural")
    if not chain:
        notes.append("No neural augmentation is switched on, so that nothing changes.")
    elif ask.always:
        notes.append(
            "All that are switched on are shown as applied; in training each has its "
            "own probability."
        )
    return chain, notes


def _switched_on(options: AugmentationOptions, name: str) -> AugmentationOptions:
    always = dataclasses.replace(getattr(options, name), p=1.0)
    return dataclasses.replace(options, **{name: always})


def _draw(
    ask: AugmentAsk, chain: list[Augmentation], context: AugmentationContext
) -> list[Params]:
    try:
        draw = partial(generator, ask.seed, 0)
        return draw_all(chain, context, lambda name: draw(f"neural/{name}"))
    except ConfigError as error:  # of a kernel that rises no faster than it decays
        raise FieldError(str(error), f"{SECTION}.calcium_decay.rise_s") from error


def _rate(ask: AugmentAsk, movie: Movie) -> float | None:
    """Return the frames per second within the window, None where nobody said."""
    if ask.recording is None and ask.rate_hz is None:
        return None
    return 1.0 / (movie.time.period_s * ask.step)
