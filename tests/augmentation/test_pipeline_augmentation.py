from __future__ import annotations

import logging

import pytest
import torch

from napari_neuroembed.augmentation import (
    AUGMENTATIONS,
    AugmentationContext,
    apply_all,
    build,
    draw_all,
)
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.augmentation import (
    PRESETS,
    AugmentationOptions,
    default,
    paper,
    simclr,
    twin,
)
from napari_neuroembed.options.base import from_dict, replace_path, to_dict


def in_use(options: AugmentationOptions, target: str) -> list[str]:
    return [item.name for item in build(options, target)]  # type: ignore[arg-type]


def test_presets_switch_on_what_the_specification_says_in_order() -> None:
    neural = [
        "calcium_decay",
        "poisson_noise",
        "gaussian_blur",
        "brightness_contrast",
    ]
    pose = ["pose_swap", "pose_scale", "pose_shear", "frame_drop", "joint_drop"]
    for preset in (paper, default):
        assert in_use(preset(), "neural") == neural
        assert in_use(preset(), "pose") == pose
    assert in_use(simclr(), "neural") == neural[1:]
    assert in_use(simclr(), "pose") == pose[1:]
    assert in_use(twin(), "neural") == [
        "calcium_decay",
        "gaussian_noise",
        "brightness_contrast",
    ]
    assert in_use(twin(), "pose") == ["pose_swap", "pose_scale", "joint_drop"]


def test_the_paper_preset_applies_everything_always() -> None:
    options = paper()
    assert {
        item.p for target in ("neural", "pose") for item in build(options, target)
    } == {1.0}
    assert options.calcium_decay.amplitude == (1.0, 1.0)
    assert not options.calcium_decay.subtract_median
    assert options.pose_swap.neighbours == 128
    assert options.pose_swap.temperature == 1.0
    assert options.frame_drop.fill == options.joint_drop.fill == "zero"


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_a_file(name: str) -> None:
    options = PRESETS[name]()
    assert from_dict(AugmentationOptions, to_dict(options)) == options


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("calcium_decay.p", 1.5, "less than or equal to 1"),
        ("calcium_decay.amplitude", [2, 1], "low <= high"),
        ("poisson_noise.photons", [0, 10], "greater than 0"),
        ("pose_swap.temperature", 0, "greater than 0"),
        ("pose_swap.temprature", 1, "Did you mean pose_swap.temperature"),
        ("calcium_decay.indicator", "gcamp9", "gcamp6s"),
    ],
)
def test_a_wrong_option_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace_path(AugmentationOptions(), path, value)


def test_every_augmentation_has_its_options_under_its_name() -> None:
    assert set(AUGMENTATIONS) == set(AugmentationOptions.__dataclass_fields__)
    for name, kind in AUGMENTATIONS.items():
        assert kind().name == name


def test_blur_is_left_out_for_traces_and_shear_for_angles_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        traces = [item.name for item in build(paper(), "neural", is_image=False)]
        angles = [item.name for item in build(paper(), "pose", n_dims=None)]
    assert "gaussian_blur" not in traces
    assert "pose_shear" not in angles
    assert [record.message.split()[0] for record in caplog.records] == [
        "gaussian_blur",
        "pose_shear",
    ]


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ConfigError, match="neural or pose, found 'video'"):
        build(paper(), "video")  # type: ignore[arg-type]


def generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(sum(map(ord, name)))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_pipeline_is_a_function_of_its_seeds(preset: str) -> None:
    batch = torch.randn(4, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    before = batch.clone()
    context = AugmentationContext(
        n=4, shape=(8, 16, 16), rate_hz=4.0, donors=torch.ones(4, 16, 16)
    )
    chain = build(PRESETS[preset](), "neural")
    first, second = (
        apply_all(batch, chain, draw_all(chain, context, generator)) for _ in range(2)
    )
    assert torch.equal(first, second)
    assert torch.equal(batch, before)
    assert not torch.equal(first, batch)


def test_switching_one_off_does_not_change_the_numbers_of_the_others() -> None:
    context = AugmentationContext(
        n=4, shape=(8, 16, 16), rate_hz=4.0, donors=torch.ones(4, 16, 16)
    )
    every, without = build(default(), "neural"), build(simclr(), "neural")
    all_params = draw_all(every, context, generator)[1:]
    for one, other in zip(
        all_params, draw_all(without, context, generator), strict=True
    ):
        assert all(torch.equal(one[key], other[key]) for key in one)
