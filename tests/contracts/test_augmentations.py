"""What every augmentation promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_neuroembed.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    AugmentationContext,
)
from napari_neuroembed.augmentation.pipeline import own_share
from napari_neuroembed.errors import TrainingError

N = 6
SHAPES: dict[str, list[tuple[int, ...]]] = {
    name: [(8, 16, 16), (8, 10)] if kind.target == "neural" else [(8, 10)]
    for name, kind in AUGMENTATIONS.items()
}
SHAPES["gaussian_blur"] = [(8, 16, 16)]
CASES = [(name, shape) for name in AUGMENTATIONS for shape in SHAPES[name]]
VISIBLE: dict[str, dict[str, Any]] = {"gaussian_blur": {"sigma_px": (8, 16)}}
STRENGTH_0: dict[str, dict[str, Any]] = {
    "calcium_decay": {"amplitude": (0, 0)},
    "gaussian_noise": {"sd": 0},
    "gaussian_blur": {"sigma_px": (0, 0)},
    "brightness_contrast": {"contrast": (1, 1), "brightness": (0, 0)},
    "pose_swap": {"p_frame": 0},
    "pose_scale": {"spread": 0},
    "pose_shear": {"spread": 0},
    "frame_drop": {"rate": 0},
    "joint_drop": {"rate": 0},
}


def options(name: str, **values: Any) -> Any:
    return type(AUGMENTATIONS[name]().options)(**values)


def make(name: str, **values: Any) -> Augmentation:
    augmentation: Augmentation = AUGMENTATIONS[name](options(name, **values))
    return augmentation


def windows(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(N, *shape, generator=torch.Generator().manual_seed(7))


def context(shape: tuple[int, ...]) -> AugmentationContext:
    generator = torch.Generator().manual_seed(8)
    return AugmentationContext(
        n=N,
        shape=shape,
        rate_hz=4.0,
        scale_sd=1.0,
        fill=torch.zeros(shape[-1]),
        donors=torch.randn(N, *shape[1:], generator=generator),
        swapped=torch.randn(N, *shape, generator=generator),
        swap_mask=torch.ones(N, shape[0], dtype=torch.bool),
        n_dims=2,
    )


def numpy_words() -> Any:
    """Return the state of numpy's global generator."""
    return np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_same_seed_gives_the_same_result_and_leaves_the_input_alone(
    name: str, shape: tuple[int, ...]
) -> None:
    augmentation = make(name, p=1, **VISIBLE.get(name, {}))
    batch = windows(shape)
    before = batch.clone()
    params = [augmentation.draw(context(shape), seeded()) for _ in range(2)]
    kept = {key: value.clone() for key, value in params[0].items()}
    first, second = (augmentation.apply(batch, drawn) for drawn in params)
    again = augmentation.apply(batch, params[0])
    assert torch.equal(first, second)
    assert torch.equal(first, again)
    assert torch.equal(batch, before)
    assert all(torch.equal(params[0][key], kept[key]) for key in kept)
    assert not torch.equal(first, batch)
    assert first.shape == batch.shape
    assert torch.isfinite(first).all()


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_processes_that_share_a_batch_change_it_as_one_does(
    name: str, shape: tuple[int, ...]
) -> None:
    augmentation = make(name, p=1, **VISIBLE.get(name, {}))
    drawn = augmentation.draw(context(shape), seeded())
    if "seed" in drawn:  # noise is fresh for every process
        pytest.skip("draws noise of its own in every process")
    whole = augmentation.apply(windows(shape), drawn)
    for rank, own in enumerate((slice(0, 3), slice(3, 6))):
        (mine,) = own_share([drawn], N, own, rank)
        part = augmentation.apply(windows(shape)[own], mine)
        torch.testing.assert_close(part, whole[own])


@pytest.mark.parametrize(("name", "shape"), CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_type_of_the_numbers_stays(
    name: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    augmentation = make(name, p=1)
    params = augmentation.draw(context(shape), seeded())
    assert augmentation.apply(windows(shape).to(dtype), params).dtype == dtype


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_global_generators_are_neither_read_nor_changed(
    name: str, shape: tuple[int, ...]
) -> None:
    augmentation = make(name, p=1)
    results = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        torch_state, numpy_state = torch.get_rng_state(), numpy_words()
        params = augmentation.draw(context(shape), seeded())
        results.append(augmentation.apply(windows(shape), params))
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(numpy_words(), numpy_state)
    assert torch.equal(*results)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_probability_0_is_the_identity(name: str, shape: tuple[int, ...]) -> None:
    augmentation, batch = make(name, p=0), windows(shape)
    params = augmentation.draw(context(shape), seeded())
    assert torch.equal(augmentation.apply(batch, params), batch)


@pytest.mark.parametrize("name", STRENGTH_0)
def test_strength_0_is_the_identity(name: str) -> None:
    for shape in SHAPES[name]:
        augmentation, batch = make(name, p=1, **STRENGTH_0[name]), windows(shape)
        params = augmentation.draw(context(shape), seeded())
        assert torch.equal(augmentation.apply(batch, params), batch)


@pytest.mark.parametrize(("name", "shape"), CASES)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused_naming_the_augmentation(
    name: str, shape: tuple[int, ...], value: float
) -> None:
    augmentation, batch = make(name, p=1), windows(shape)
    batch.view(-1)[3] = value
    params = augmentation.draw(context(shape), seeded())
    with pytest.raises(TrainingError, match=rf"'{name}' refuses NaN and Inf: 1 of"):
        augmentation.apply(batch, params)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_whole_numbers_are_refused(name: str, shape: tuple[int, ...]) -> None:
    augmentation = make(name, p=1)
    params = augmentation.draw(context(shape), seeded())
    with pytest.raises(TrainingError, match=rf"'{name}' expects floating-point"):
        augmentation.apply(windows(shape).to(torch.int32), params)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_parameters_of_another_batch_are_refused(
    name: str, shape: tuple[int, ...]
) -> None:
    augmentation = make(name, p=1)
    params = augmentation.draw(context(shape), seeded())
    with pytest.raises(TrainingError, match=r"drawn for 6 windows but .* has 4"):
        augmentation.apply(windows(shape)[:4], params)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_very_large_finite_values_are_no_reason_to_refuse(
    name: str, shape: tuple[int, ...]
) -> None:
    augmentation = make(name, p=1)
    params = augmentation.draw(context(shape), seeded())
    augmentation.apply(torch.full((N, *shape), 3e38), params)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_it_says_what_it_is(name: str) -> None:
    augmentation = AUGMENTATIONS[name]()
    assert isinstance(augmentation, Augmentation)
    assert augmentation.name == name
    assert augmentation.target in ("neural", "pose", "both")
    assert "Notes" in (type(augmentation).__doc__ or "")


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "shape"), CASES)
def test_parameters_are_the_same_on_a_gpu(name: str, shape: tuple[int, ...]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    from dataclasses import replace

    augmentation = make(name, p=1)
    here = context(shape)
    there = replace(here, device="cuda")
    one, other = (augmentation.draw(where, seeded()) for where in (here, there))
    assert all(torch.equal(one[key], other[key].cpu()) for key in one)
    result = augmentation.apply(windows(shape).cuda(), other)
    assert result.device.type == "cuda"
    if "seed" not in one:
        torch.testing.assert_close(
            result.cpu(), augmentation.apply(windows(shape), one)
        )
