"""`augment`: the augmentations themselves with the same seed give the same arrays."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.augmentation import reference_augmentation as slow
from tests.previews.talking import Talk
from tests.tiny_project import make_tiny_project

from napari_neuroembed.augmentation import AUGMENTATIONS, AugmentationContext
from napari_neuroembed.augmentation.pipeline import apply_all, build, draw_all
from napari_neuroembed.data.project import Project
from napari_neuroembed.jobs.preview_lines import AUGMENT_ARRAYS, AUGMENT_RESULT
from napari_neuroembed.methods.randomness import generator
from napari_neuroembed.options.augmentation import AugmentationOptions, default
from napari_neuroembed.options.base import from_dict

NEURAL = [name for name, kind in AUGMENTATIONS.items() if kind.target == "neural"]
VALUES: dict[str, dict[str, Any]] = {
    "calcium_decay": {"kernel": "double_exp", "decay_s": 0.5, "guard_s": 0.5},
    "poisson_noise": {"photons": [20, 30]},
    "gaussian_noise": {"sd": 0.4},
    "gaussian_blur": {"sigma_px": [6, 12]},
    "brightness_contrast": {"contrast": [0.5, 0.7]},
}


def movie(n: int = 80) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.gamma(2.0, 20.0, (n, 20, 24)).astype(np.float32)


def stack_of(project: Path, name: str) -> np.ndarray:
    stream = Project.open(project).prepared(name).streams["neural"]
    return np.array(stream.data)


def directly(
    window: np.ndarray,
    names: list[str],
    options: AugmentationOptions,
    *,
    sd: float,
    donor: np.ndarray | None,
    seed: int,
    rate_hz: float,
) -> np.ndarray:
    """Call the augmentations as a training does, with probability 1."""
    for name in names:
        one = dataclasses.replace(getattr(options, name), p=1.0)
        options = dataclasses.replace(options, **{name: one})
    chain = [AUGMENTATIONS[name](getattr(options, name)) for name in names]
    context = AugmentationContext(
        n=1,
        shape=window.shape,
        rate_hz=rate_hz,
        scale_sd=sd,
        donors=None if donor is None else torch.from_numpy(donor)[None],
    )
    drawn = draw_all(chain, context, lambda name: generator(seed, 0, f"neural/{name}"))
    return apply_all(torch.from_numpy(window)[None], chain, drawn)[0].numpy()


@pytest.mark.parametrize("kind", NEURAL)
def test_of_an_array_each_is_what_the_augmentation_itself_gives(
    talk: Talk, kind: str
) -> None:
    values = {kind: VALUES[kind]}
    result = talk.result(
        "augment",
        array=movie(),
        rate_hz=8.0,
        frame=40,
        n_frames=16,
        step=2,
        kind=kind,
        options=values,
        seed=11,
    )
    window = movie()[25:56:2]
    assert (result["first_frame"], result["rate_hz"]) == (25, 4.0)
    donor = None
    if kind == "calcium_decay":
        frame = result["drawn"][kind]["donor"]["frame"]
        assert frame < 25 - 4 or frame > 55 + 4
        median = torch.from_numpy(movie()).median(0).values.numpy()
        donor = movie()[frame] - median
        np.testing.assert_array_equal(talk.array(result, "donor"), donor)
    expected = directly(
        window,
        [kind],
        from_dict(AugmentationOptions, values),
        sd=float(movie().std(dtype=np.float64)),
        donor=donor,
        seed=11,
        rate_hz=4.0,
    )
    np.testing.assert_array_equal(talk.array(result, "before"), window)
    np.testing.assert_array_equal(talk.array(result, "after"), expected)
    assert not np.array_equal(expected, window)
    assert result["words"][0].startswith(f"{kind}: ")


def test_calcium_and_contrast_by_slow_references(talk: Talk) -> None:
    asked: dict[str, Any] = {"array": movie(), "rate_hz": 16.0, "frame": 40, "seed": 5}
    result = talk.result("augment", kind="calcium_decay", n_frames=8, **asked)
    drawn = result["drawn"]["calcium_decay"]
    gamma = float(np.exp(-1 / (16.0 * drawn["decay_s"])))
    donor = talk.array(result, "donor").astype(np.float64)
    window = talk.array(result, "before").astype(np.float64)
    expected = slow.calcium(window, donor, gamma, drawn["amplitude"])
    np.testing.assert_allclose(talk.array(result, "after"), expected, rtol=1e-4)
    told = (
        f"{drawn['amplitude']:.2f} times frame {drawn['donor']['frame']} of the array"
    )
    assert told in result["words"][0]

    asked["array"] = movie()
    result = talk.result("augment", kind="brightness_contrast", n_frames=8, **asked)
    drawn = result["drawn"]["brightness_contrast"]
    window = talk.array(result, "before").astype(np.float64)
    expected = slow.brightness_contrast(window, drawn["contrast"], drawn["offset"], 1.0)
    np.testing.assert_allclose(talk.array(result, "after"), expected, rtol=1e-4)


def test_the_width_of_a_blur_is_told_as_drawn(talk: Talk) -> None:
    options = {"gaussian_blur": {"sigma_px": [10, 10]}}
    result = talk.result(
        "augment", array=movie(), frame=40, kind="gaussian_blur", options=options
    )
    expected = 10 * 24 / 128
    assert result["drawn"]["gaussian_blur"]["sigma_px"] == pytest.approx(
        expected, rel=1e-4
    )


def test_of_a_recording_all_at_once(project_talk: Talk, tiny_project: Path) -> None:
    result = project_talk.result(
        "augment", recording="fly1_001", frame=40, n_frames=16, seed=3
    )
    stack = stack_of(tiny_project, "fly1_001")
    drawn = result["drawn"]["calcium_decay"]["donor"]
    assert drawn["animal"] == "fly1"
    other = stack_of(tiny_project, drawn["recording"])
    donor = other[drawn["frame"]] - torch.from_numpy(other).median(0).values.numpy()
    chain = [one.name for one in build(default(), "neural")]
    expected = directly(
        stack[32:48],
        chain,
        default(),
        sd=float(stack.std(dtype=np.float64)),
        donor=donor,
        seed=3,
        rate_hz=16.0,
    )
    np.testing.assert_array_equal(project_talk.array(result, "before"), stack[32:48])
    np.testing.assert_allclose(
        project_talk.array(result, "after"), expected, rtol=1e-6, atol=1e-6
    )
    assert [re.split(":", one)[0] for one in result["words"]] == chain
    assert result["units"] == "dff_percent"
    assert result["notes"]


def test_the_same_seed_draws_the_same_and_another_does_not(
    project_talk: Talk,
) -> None:
    def after(seed: int) -> np.ndarray:
        result = project_talk.result(
            "augment", recording="fly1_001", frame=40, n_frames=16, seed=seed
        )
        return project_talk.array(result, "after")

    np.testing.assert_array_equal(after(1), after(1))
    assert not np.array_equal(after(1), after(2))


def test_by_their_probability_some_are_left_alone(talk: Talk) -> None:
    options = {"poisson_noise": {"p": 0.5}}
    asked: dict[str, Any] = {"frame": 40, "kind": "poisson_noise", "options": options}
    applied = []
    for seed in range(24):
        result = talk.result("augment", array=movie(), seed=seed, always=False, **asked)
        before, after = talk.array(result, "before"), talk.array(result, "after")
        is_applied = not np.array_equal(before, after)
        assert ("left alone" in result["words"][0]) is not is_applied
        applied.append(is_applied)
    assert 4 < sum(applied) < 20


def test_with_nothing_switched_on_nothing_changes(talk: Talk) -> None:
    off = {name: {"p": 0} for name in NEURAL}
    result = talk.result("augment", array=movie(), frame=40, options=off)
    np.testing.assert_array_equal(
        talk.array(result, "before"), talk.array(result, "after")
    )
    assert "No neural augmentation is switched on" in result["notes"][0]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int64", "float64"])
@pytest.mark.parametrize("kind", NEURAL)
def test_whole_numbers_never_overflow(talk: Talk, dtype: str, kind: str) -> None:
    top = 120 if dtype == "int8" else 250
    data = np.random.default_rng(0).integers(top - 60, top, (80, 20, 24)).astype(dtype)
    asked: dict[str, Any] = {"rate_hz": 8.0, "frame": 40, "n_frames": 8, "kind": kind}
    options = {"brightness_contrast": {"contrast": [3, 3]}}
    result = talk.result("augment", array=data, options=options, **asked)
    same = talk.result(
        "augment", array=data.astype(np.float32), options=options, **asked
    )
    for name in ("before", "after"):
        found = talk.array(result, name)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, talk.array(same, name))


def test_frames_without_numbers_are_refused_with_their_count(talk: Talk) -> None:
    data = movie()
    data[[35, 41, 44], 3, 3] = (np.nan, np.inf, 1e30)
    data[2] = np.nan
    error = talk.error("augment", array=data, frame=40, n_frames=16)
    assert "3 of 16 frames" in error["message"]
    assert "35, 41, 44" in error["message"]


def test_donors_are_frames_that_hold_numbers(talk: Talk) -> None:
    data = movie()
    bad = np.arange(80) % 2 == 1
    bad[30:50] = False
    data[bad] = np.nan
    for seed in range(12):
        result = talk.result(
            "augment",
            array=data,
            rate_hz=16.0,
            frame=40,
            n_frames=8,
            kind="calcium_decay",
            options={"calcium_decay": {"guard_s": 0.1}},
            seed=seed,
        )
        assert np.isfinite(talk.array(result, "after")).all()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"options": {"calcium_decay": {"decay_s": 0}}}, "calcium_decay.decay_s"),
        ({"options": {"calcium_decay": {"decay_s": -1}}}, "calcium_decay.decay_s"),
        ({"options": {"gaussian_noise": {"sd": -1}}}, "gaussian_noise.sd"),
        ({"options": {"calcium_decay": {"guard_s": 99}}}, "calcium_decay.guard_s"),
        (
            {
                "options": {
                    "calcium_decay": {
                        "kernel": "double_exp",
                        "rise_s": 2,
                        "decay_s": 1,
                    }
                }
            },
            "calcium_decay.rise_s",
        ),
    ],
)
def test_wrong_options_name_their_field(
    talk: Talk, fields: dict[str, Any], field: str
) -> None:
    error = talk.error(
        "augment", array=movie(), rate_hz=8.0, frame=40, n_frames=8, **fields
    )
    assert error["field"] == f"augmentation.{field}"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"kind": "frame_drop"}, "kind", "known: all, calcium_decay"),
        ({"kind": "calcium_decay"}, "rate_hz", "needs the frames per second"),
        ({"rate_hz": 0}, "rate_hz", "greater than 0"),
        ({"n_frames": 81}, "n_frames", "needs 81; The array has 80"),
        ({"frame": 80}, "frame", "frames 0 to 79"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"kind": "pose_swap"}, "recording", "an array has none"),
    ],
)
def test_wrong_fields_are_named(
    talk: Talk, fields: dict[str, Any], field: str, said: str
) -> None:
    error = talk.error("augment", array=movie(), **{"frame": 40, **fields})
    assert error["field"] == field
    assert said in error["message"]


def test_raw_frames_become_dff_first(tmp_path: Path) -> None:
    project = make_tiny_project(tmp_path / "flies")
    shutil.rmtree(project.derived_root)
    server = Talk(project.path)
    asked: dict[str, Any] = {"recording": "fly1_001", "frame": 48, "n_frames": 8}
    options = {"calcium_decay": {"guard_s": 0.25}}
    result = server.result("augment", kind="calcium_decay", options=options, **asked)
    # window of 8 frames, 4 of guard and 32 for donors on each side
    piece = server.result("preprocess", recording="fly1_001", frame=48, n_frames=80)
    first = piece["first_frame"]
    prepared = server.array(piece, "after")
    window = prepared[44 - first : 52 - first]
    found = server.array(result, "before")
    frame = result["drawn"]["calcium_decay"]["donor"]["frame"]
    donor = prepared[frame - first]
    median = torch.from_numpy(prepared).median(0).values.numpy()
    got = server.array(result, "donor")
    server.close()
    np.testing.assert_array_equal(found, window)
    np.testing.assert_array_equal(got, donor - median)
    assert not 40 <= frame <= 55
    assert "not pre-processed" in result["notes"][-1]
    assert result["units"] == "dff_percent"


def test_outdated_data_are_shown_and_told(tmp_path: Path) -> None:
    project = make_tiny_project(tmp_path / "flies")
    project.set_preprocessing({"dff.window_frames": 9})
    server = Talk(project.path)
    result = server.result("augment", recording="fly1_001", frame=40, n_frames=8)
    server.close()
    assert any("before a change of" in note for note in result["notes"])


@pytest.mark.parametrize("kind", ["all", "pose_swap"])
def test_an_answer_holds_what_the_reference_says(project_talk: Talk, kind: str) -> None:
    result = project_talk.result("augment", recording="fly1_001", frame=40, kind=kind)
    arrays = set(result.pop("arrays"))
    is_swap = kind == "pose_swap"
    swap_only = {"pose_before", "pose_after"}
    assert arrays == set(AUGMENT_ARRAYS) - ({"donor"} if is_swap else swap_only)
    assert set(result) == set(AUGMENT_RESULT) - {"scale_sd" if is_swap else "pose"}


def test_a_preview_writes_nothing_into_the_project(
    tiny_project: Path, project_talk: Talk
) -> None:
    def state() -> dict[str, float]:
        return {str(p): p.stat().st_mtime_ns for p in tiny_project.rglob("*")}

    project_talk.result("preprocess", recording="fly1_001")
    before = state()
    project_talk.result("preprocess", recording="fly1_002")
    project_talk.result("augment", recording="fly1_002", frame=40, n_frames=8)
    assert state() == before
