"""A piece in memory is what a whole run makes of a recording of these frames."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.preprocessing.reference_preprocessing import moving_movie

from napari_neuroembed.data.derived import read_derived, read_mask
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import (
    DffOptions,
    PreprocessingOptions,
    RegistrationOptions,
    ResizeOptions,
)
from napari_neuroembed.preprocessing.frames import measure_frames
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.piece import Piece, prepare_piece
from napari_neuroembed.preprocessing.pipeline import preprocess_recording
from napari_neuroembed.progress import silent

SMALL = ResizeOptions(height=16, width=16)
STILL = RegistrationOptions(method="none")
RIGID = PreprocessingOptions(resize=SMALL, dff=DffOptions(window_frames=5))
CASES = {
    "rigid": RIGID,
    "whole pixels": dataclasses.replace(
        RIGID, registration=RegistrationOptions(upsample=1)
    ),
    "still": dataclasses.replace(RIGID, registration=STILL),
    "counts": dataclasses.replace(RIGID, dff=DffOptions(method="none", offset=20.0)),
    "padded": dataclasses.replace(
        RIGID, resize=ResizeOptions(height=16, width=32, aspect="pad")
    ),
    "native size": dataclasses.replace(RIGID, resize=ResizeOptions(method="none")),
}


def movie(rng: np.random.Generator, n: int = 24) -> np.ndarray:
    frames, _, _ = moving_movie(n, 48, peak=300, reach=2, rng=rng)
    return np.asarray(frames)


def stream_of(data: np.ndarray, valid: np.ndarray | None = None) -> Stream:
    n = len(data)
    every = np.ones(n, dtype=bool) if valid is None else valid
    return Stream("neural", data, TimeAxis(n, rate_hz=16.0), every, units="counts")


def piece_of(stream: Stream, options: PreprocessingOptions) -> Piece:
    stack = NativeStack(stream, "fly1_001")
    found = measure_frames(
        stack,
        options.registration,
        reference=None,
        max_memory_mb=options.max_memory_mb,
        report=silent,
    )
    return prepare_piece(stack, found, options)


@pytest.mark.parametrize("case", CASES)
def test_a_piece_is_what_a_run_over_these_frames_writes(
    case: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    data = movie(rng).astype(np.uint16)
    stream = stream_of(data)
    recording = Recording("fly1_001", "fly1", {"neural": stream})
    preprocess_recording(recording, CASES[case], tmp_path / "r")
    written = read_derived(tmp_path / "r", id="fly1_001", animal="fly1")
    piece = piece_of(stream, CASES[case])
    np.testing.assert_array_equal(piece.after, written.streams["neural"].data)
    np.testing.assert_array_equal(piece.mask, read_mask(tmp_path / "r"))
    np.testing.assert_array_equal(piece.before, data.astype(np.float32))
    assert piece.problems == ()
    assert piece.after.dtype == piece.before.dtype == np.float32


def test_frames_without_numbers_are_invalid_in_both(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    data = movie(rng, 40).astype(np.float32)
    data[3, 5, 5] = np.nan
    stream = stream_of(data)
    recording = Recording("fly1_001", "fly1", {"neural": stream})
    preprocess_recording(recording, RIGID, tmp_path / "r")
    written = read_derived(tmp_path / "r", id="fly1_001", animal="fly1")
    piece = piece_of(stream, RIGID)
    np.testing.assert_array_equal(piece.after, written.streams["neural"].data)
    assert np.flatnonzero(~piece.valid).tolist() == [3]


def test_a_window_longer_than_the_piece_becomes_the_longest_valid_stretch(
    rng: np.random.Generator,
) -> None:
    valid = np.ones(24, dtype=bool)
    valid[10] = False
    stream = stream_of(movie(rng).astype(np.uint16), valid)
    long = dataclasses.replace(RIGID, dff=DffOptions(window_frames=100))
    short = dataclasses.replace(RIGID, dff=DffOptions(window_frames=13))
    piece = piece_of(stream, long)
    assert piece.window_frames == 13
    np.testing.assert_array_equal(piece.after, piece_of(stream, short).after)


def test_what_would_refuse_a_recording_is_told_and_shown_all_the_same(
    rng: np.random.Generator,
) -> None:
    stream = stream_of(movie(rng).astype(np.uint16))
    dark = DffOptions(window_frames=5, offset=1e4)
    piece = piece_of(stream, dataclasses.replace(RIGID, dff=dark))
    assert "neural.zero_f0" in [p.id for p in piece.problems]
    assert piece.after.shape == (24, 16, 16)


def test_a_piece_without_a_usable_frame_is_refused_with_the_reason() -> None:
    data = np.full((8, 32, 32), np.nan, dtype=np.float32)
    still = dataclasses.replace(RIGID, registration=STILL)
    stream = stream_of(data, np.zeros(8, dtype=bool))
    with pytest.raises(DataError, match="None of these 8 frames can be used"):
        piece_of(stream, still)
