from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.augmentation.reference_augmentation import blur, brightness_contrast

from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.intensity import (
    BrightnessContrast,
    GaussianBlur,
    _blurred,
    gaussian_taps,
)
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import (
    BrightnessContrastOptions,
    GaussianBlurOptions,
)


def test_the_blur_equals_the_loop() -> None:
    batch = torch.randn(
        2, 2, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    sigma = torch.tensor([0.7, 1.3])
    found = GaussianBlur().apply(batch, {"taps": gaussian_taps(sigma, 4)})
    for i, width in enumerate([0.7, 1.3]):
        for frame in range(2):
            expected = blur(batch[i, frame].numpy(), width, 4)
            np.testing.assert_allclose(found[i, frame].numpy(), expected, atol=1e-6)


def test_the_blur_scales_with_the_image_width() -> None:
    options = GaussianBlurOptions(p=1, sigma_px=(1, 1))
    for width, expected in ((128, 1.0), (64, 0.5)):
        context = AugmentationContext(n=1, shape=(2, width, width), rate_hz=16.0)
        taps = GaussianBlur(options).draw(context, torch.Generator())["taps"]
        assert torch.equal(
            taps, gaussian_taps(torch.tensor([expected]), taps.shape[1] // 2)
        )


def test_frames_of_a_window_are_blurred_alike() -> None:
    frame = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    batch = frame.expand(3, 4, 16, 16).contiguous()
    augmentation = GaussianBlur(GaussianBlurOptions(p=1, sigma_px=(2, 9)))
    context = AugmentationContext(n=3, shape=(4, 16, 16), rate_hz=16.0)
    found = augmentation.apply(
        batch, augmentation.draw(context, torch.Generator().manual_seed(0))
    )
    assert torch.equal(found[:, 0], found[:, 3])
    assert not torch.equal(found[0], found[1])


def test_traces_cannot_be_blurred() -> None:
    context = AugmentationContext(n=1, shape=(8, 30), rate_hz=4.0)
    with pytest.raises(TrainingError, match=r"images \(time, y, x\) only.*\(8, 30\)"):
        GaussianBlur().draw(context, torch.Generator())


def test_gain_and_offset_equal_the_loop() -> None:
    batch = torch.randn(
        2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    augmentation = BrightnessContrast(BrightnessContrastOptions(p=1))
    context = AugmentationContext(n=2, shape=(3, 4, 5), rate_hz=16.0, scale_sd=2.0)
    params = augmentation.draw(context, torch.Generator().manual_seed(0))
    found = augmentation.apply(batch, params)
    for i in range(2):
        contrast = 1 + float(params["gain"][i])
        brightness = float(params["offset"][i]) / 2.0
        assert 0.8 <= contrast <= 1.2
        assert -0.1 <= brightness <= 0.1
        expected = brightness_contrast(batch[i].numpy(), contrast, brightness, 2.0)
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-9)


def test_gain_and_offset_work_on_traces() -> None:
    batch = torch.arange(12.0).reshape(1, 3, 4)
    augmentation = BrightnessContrast(
        BrightnessContrastOptions(p=1, contrast=(2, 2), brightness=(1, 1))
    )
    context = AugmentationContext(n=1, shape=(3, 4), rate_hz=16.0)
    params = augmentation.draw(context, torch.Generator())
    torch.testing.assert_close(
        augmentation.apply(batch, params), 2 * (batch - 5.5) + 5.5 + 1
    )


def test_a_batch_is_blurred_as_its_windows_are() -> None:
    batch = torch.randn(3, 4, 16, 20)
    taps = gaussian_taps(torch.tensor([0.3, 0.0, 1.1]), 4)
    found = GaussianBlur().apply(batch, {"taps": taps})
    assert torch.equal(found, _blurred(batch, taps))
