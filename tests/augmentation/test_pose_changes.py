from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.augmentation.reference_augmentation import scale, shear

from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.masks import FrameDrop, JointDrop, drop_mask
from napari_neuroembed.augmentation.pose import PoseScale, PoseShear
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import (
    FrameDropOptions,
    JointDropOptions,
    PoseScaleOptions,
    PoseShearOptions,
)

POSES = torch.randn(
    3, 8, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)


def context(n_dims: int | None = 2, **changes: object) -> AugmentationContext:
    values = {"n": 3, "shape": (8, 12), "rate_hz": 32.0, "fill": torch.arange(12.0)}
    return AugmentationContext(n_dims=n_dims, **(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("n_dims", [2, 3])
def test_scaling_equals_the_loop(n_dims: int) -> None:
    augmentation = PoseScale(PoseScaleOptions(p=1))
    params = augmentation.draw(context(n_dims), torch.Generator().manual_seed(0))
    found = augmentation.apply(POSES, params)
    for i in range(3):
        factors = params["factor"][i].tolist()
        assert len(factors) == n_dims
        assert all(0.9 <= factor <= 1.1 for factor in factors)
        np.testing.assert_allclose(found[i], scale(POSES[i].numpy(), factors))


def test_angles_and_scalars_have_one_factor_per_window() -> None:
    augmentation = PoseScale(PoseScaleOptions(p=1))
    params = augmentation.draw(context(None), torch.Generator().manual_seed(0))
    ratio = augmentation.apply(POSES, params) / POSES
    np.testing.assert_allclose(
        ratio, params["factor"].double()[:, :, None].expand(3, 8, 12)
    )


@pytest.mark.parametrize("n_dims", [2, 3])
def test_shearing_equals_the_loop(n_dims: int) -> None:
    augmentation = PoseShear(PoseShearOptions(p=1))
    params = augmentation.draw(context(n_dims), torch.Generator().manual_seed(0))
    found = augmentation.apply(POSES, params)
    for i in range(3):
        matrix = params["shear"][i].double().numpy()
        assert np.abs(matrix).max() <= 0.1
        assert np.count_nonzero(matrix) == n_dims * (n_dims - 1)
        np.testing.assert_allclose(found[i], shear(POSES[i].numpy(), matrix))


def test_angles_cannot_be_sheared() -> None:
    with pytest.raises(TrainingError, match=r"angles or scalars.*pose_shear\.p to 0"):
        PoseShear().draw(context(None), torch.Generator())


@pytest.mark.parametrize("kind", [PoseScale, PoseShear, JointDrop])
def test_joints_that_do_not_divide_the_features_are_refused(kind: type) -> None:
    with pytest.raises(TrainingError, match=r"the 7 pose features; found n_dims=2"):
        kind().draw(context(2, shape=(8, 7)), torch.Generator())


def test_dropped_frames_take_the_training_mean_and_the_others_stay() -> None:
    augmentation = FrameDrop(FrameDropOptions(p=1, rate=0.5))
    params = augmentation.draw(context(), torch.Generator().manual_seed(0))
    found = augmentation.apply(POSES, params)
    dropped = params["dropped"]
    assert 0 < int(dropped.sum()) < dropped.numel()
    assert torch.equal(found[~dropped], POSES[~dropped])
    fill = torch.arange(12.0, dtype=torch.float64)
    assert torch.equal(found[dropped], fill.expand(int(dropped.sum()), 12))


def test_a_dropped_joint_is_dropped_in_all_coordinates_and_frames() -> None:
    augmentation = JointDrop(JointDropOptions(p=1, rate=0.5, fill="zero"))
    params = augmentation.draw(context(3), torch.Generator().manual_seed(1))
    found = augmentation.apply(POSES, params)
    joints = (found == 0).reshape(3, 8, 4, 3)
    assert torch.equal(joints.any(dim=(1, 3)), joints.all(dim=(1, 3)))
    assert joints.any()


@pytest.mark.parametrize("n_features", [1, 2, 5, 12])
def test_at_least_one_frame_and_half_of_the_joints_stay(n_features: int) -> None:
    wanted = context(None, n=50, shape=(4, n_features), fill=torch.ones(n_features))
    generator = torch.Generator().manual_seed(0)
    frames = FrameDrop(FrameDropOptions(p=1, rate=1)).draw(wanted, generator)["dropped"]
    joints = JointDrop(JointDropOptions(p=1, rate=1)).draw(wanted, generator)["dropped"]
    assert frames.sum(dim=1).tolist() == [3] * 50
    assert joints.sum(dim=1).tolist() == [n_features // 2] * 50


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 12),
    st.floats(0, 1),
    st.integers(0, 12),
    st.integers(0, 2**31),
)
def test_never_more_than_the_limit_is_dropped(
    n: int, size: int, rate: float, most: int, seed: int
) -> None:
    mask = drop_mask((n, size), rate, most, torch.Generator().manual_seed(seed))
    assert int(mask.sum(dim=1).max()) <= most


def test_the_rate_of_dropping_is_as_given() -> None:
    mask = drop_mask((4000, 8), 0.1, 7, torch.Generator().manual_seed(0))
    assert float(mask.float().mean()) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("kind", [FrameDrop, JointDrop])
def test_a_missing_training_mean_is_refused(kind: type) -> None:
    with pytest.raises(TrainingError, match=r"has no `fill`.*fill to zero"):
        kind().draw(context(fill=None), torch.Generator())
    with pytest.raises(TrainingError, match=r"\(12,\), found \(3,\)"):
        kind().draw(context(fill=torch.ones(3)), torch.Generator())
