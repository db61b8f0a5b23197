"""`preprocess`: the product's own steps on a piece, told in figures and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.preprocessing.reference_preprocessing import moving_movie
from tests.previews.talking import Talk
from tests.tiny_project import make_tiny_project

from napari_neuroembed.data.project import Project
from napari_neuroembed.disk import free_bytes
from napari_neuroembed.jobs.preview_lines import PREPROCESS_ARRAYS, PREPROCESS_RESULT
from napari_neuroembed.options.base import from_dict, to_dict
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.preprocessing.frames import measure_frames
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.piece import prepare_piece
from napari_neuroembed.preprocessing.pipeline import estimate_disk
from napari_neuroembed.preprocessing.project import reference_of
from napari_neuroembed.progress import silent

OPTIONS = {
    "dff": {"window_frames": 7, "offset": 150.0},
    "resize": {"height": 16, "width": 24},
}


def drifting(n: int = 24) -> np.ndarray:
    frames, _, _ = moving_movie(n, 48, peak=300, reach=2, rng=np.random.default_rng(1))
    return np.asarray(frames).astype(np.uint16)


def test_a_piece_of_a_recording_by_the_steps_called_one_by_one(
    project_talk: Talk, tiny_project: Path
) -> None:
    result = project_talk.result(
        "preprocess", recording="fly2_002", frame=50, n_frames=40, options=OPTIONS
    )
    project = Project.open(tiny_project)
    options = from_dict(PreprocessingOptions, OPTIONS)
    stream = project.raw_streams("fly2_002").streams["neural"]
    data = np.asarray(stream.data[30:70])
    piece_stream = type(stream)("neural", data, type(stream.time)(40, rate_hz=16.0))
    stack = NativeStack(piece_stream, "fly2_002")
    found = measure_frames(
        stack,
        options.registration,
        reference=reference_of(project, "fly2_002"),
        max_memory_mb=512,
        report=silent,
    )
    piece = prepare_piece(stack, found, options)
    for name, expected in (
        ("before", data.astype(np.float32)),
        ("after", piece.after),
        ("shifts", found.shifts),
        ("valid", piece.valid),
        ("mask", piece.mask),
    ):
        np.testing.assert_array_equal(project_talk.array(result, name), expected)
    assert (result["first_frame"], result["n_frames"]) == (30, 40)
    assert result["rate_hz"] == 16.0
    assert result["start_s"] == stream.time.center(30)
    assert result["units"] == "dff_percent"
    assert result["steps"]["registration"]["anchor"]["used"] is True
    assert set(result.pop("arrays")) == set(PREPROCESS_ARRAYS)
    assert set(result) == set(PREPROCESS_RESULT)


def test_the_disk_is_that_of_the_whole_recording(
    project_talk: Talk, tiny_project: Path
) -> None:
    result = project_talk.result("preprocess", recording="fly1_001", options=OPTIONS)
    project = Project.open(tiny_project)
    options = from_dict(PreprocessingOptions, OPTIONS)
    needed = estimate_disk(project.raw_streams("fly1_001"), options)
    assert result["disk"]["needed_bytes"] == needed
    assert result["disk"]["free_bytes"] == pytest.approx(
        free_bytes(tiny_project), rel=0.1
    )


def test_without_options_those_of_the_project_are_used(
    project_talk: Talk, tiny_project: Path
) -> None:
    options = to_dict(Project.open(tiny_project).preprocessing())
    plain = project_talk.result("preprocess", recording="fly1_001")
    given = project_talk.result("preprocess", recording="fly1_001", options=options)
    np.testing.assert_array_equal(
        project_talk.array(plain, "after"), project_talk.array(given, "after")
    )


def test_a_changed_project_is_read_again(tmp_path: Path) -> None:
    project = make_tiny_project(tmp_path / "flies")
    server = Talk(project.path)
    before = server.result("preprocess", recording="fly1_001")
    project.set_preprocessing({"resize.height": 8, "resize.width": 8})
    after = server.result("preprocess", recording="fly1_001")
    server.close()
    assert before["steps"]["resize"]["shape"] == [16, 16]
    assert after["steps"]["resize"]["shape"] == [8, 8]


def test_an_array_goes_the_same_way_and_is_deleted_once_answered(talk: Talk) -> None:
    movie = drifting()
    result = talk.result("preprocess", array=movie, of_frames=1000, options=OPTIONS)
    np.testing.assert_array_equal(talk.array(result, "before"), movie)
    assert talk.array(result, "after").shape == (24, 16, 24)
    assert np.abs(talk.array(result, "shifts")).max() > 0.5
    assert result["disk"]["needed_bytes"] > 1000 * 16 * 24 * 4
    assert result["disk"]["free_bytes"] is None
    assert not list(talk.folder.path.glob("in-*"))


def test_a_window_longer_than_the_piece_is_told_with_what_was_used(talk: Talk) -> None:
    result = talk.result(
        "preprocess", array=drifting(), options={"dff": {"window_frames": 100}}
    )
    assert result["window_frames"] == 24
    assert "only 24 valid frames in a row" in result["notes"][0]
    assert "100 frames" in result["notes"][0]


def test_what_would_refuse_a_run_is_told(talk: Talk) -> None:
    options = {"dff": {"offset": 1e5}}
    result = talk.result("preprocess", array=drifting(), options=options)
    (problem,) = [p for p in result["problems"] if p["id"] == "neural.zero_f0"]
    assert "preprocessing.dff.offset" in problem["text"]


def test_wrong_options_name_their_field(talk: Talk) -> None:
    wrong = {"dff": {"window_frames": 0, "epsilon": 4}, "resize": {"heights": 3}}
    error = talk.error("preprocess", array=drifting(), options=wrong)
    assert error["kind"] == "mistake"
    assert set(error["problems"]) == {
        "preprocessing.dff.window_frames",
        "preprocessing.dff.epsilon",
        "preprocessing.resize.heights",
    }
    assert error["field"] in error["problems"]
    assert "Did you mean preprocessing.resize.height?" in error["message"]
    assert "4" in error["problems"]["preprocessing.dff.epsilon"]


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({}, "recording", "either `recording` or `array`; found neither"),
        ({"array": "a.npy", "recording": "x"}, "recording", "found both"),
        ({"recording": "fly1_001"}, "recording", "has no project"),
        ({"array": "../a.npy"}, "array", "Expected the name of a .npy file"),
        ({"array": "none.npy"}, "array", "cannot be read"),
        ({"array": "a.npy", "n_frames": 1}, "n_frames", "greater than or equal to 2"),
        ({"array": "a.npy", "frame": -1}, "frame", "greater than or equal to 0"),
        ({"array": "a.npy", "colour": 1}, "colour", "colour is not an option"),
        ({"array": "a.npy", "options": 3}, "options", "options"),
    ],
)
def test_wrong_fields_are_named(
    talk: Talk, fields: dict[str, object], field: str, said: str
) -> None:
    error = talk.error("preprocess", **fields)
    assert error["field"] == field
    assert said in error["message"]


def test_an_unknown_recording_and_frame_are_named(project_talk: Talk) -> None:
    error = project_talk.error("preprocess", recording="fly9")
    assert error["field"] == "recording"
    assert "Known: fly1_001" in error["message"]
    error = project_talk.error("preprocess", recording="fly1_001", frame=5000)
    assert error["field"] == "frame"
    assert "frames 0 to 95" in error["message"]


@pytest.mark.parametrize(
    ("array", "rgb", "found"),
    [
        (np.zeros((20, 30), np.uint8), False, "a single image, shape (20, 30)"),
        (np.zeros((9, 20, 30, 3), np.uint8), False, "a colour image"),
        (np.zeros((20, 30, 3), np.uint8), True, "a colour image"),
        (np.zeros((9, 20, 30), bool), False, "of bool"),
        (np.zeros((9, 20, 30), np.complex64), False, "of complex64"),
        (np.zeros((2, 2, 9, 20, 30), np.uint8), False, "shape (2, 2, 9, 20, 30)"),
    ],
)
@pytest.mark.parametrize("ask", ["preprocess", "augment"])
def test_what_is_no_movie_is_refused_with_what_was_found(
    talk: Talk, ask: str, array: np.ndarray, rgb: bool, found: str
) -> None:
    error = talk.error(ask, array=array, rgb=rgb)
    assert error["field"] == "array"
    assert found in error["message"]


def test_images_too_small_to_register_are_a_plain_message(talk: Talk) -> None:
    error = talk.error("preprocess", array=np.ones((9, 8, 8), np.uint16))
    assert error["kind"] == "mistake"
    assert "at least 16 x 16" in error["message"]
