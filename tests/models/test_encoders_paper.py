"""The encoders against Table S1: figures, references, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models import reference_models as reference
from torch import nn

from napari_neuroembed.errors import ConfigError, TrainingError
from napari_neuroembed.models import (
    ImageEncoder,
    PoseEncoder,
    build_encoder,
    build_projection,
    initial_weights,
    random_encoder,
    resolve_name,
)
from napari_neuroembed.models.image import widths_for
from napari_neuroembed.models.layers import AttentionPool, TemporalHead
from napari_neuroembed.options.base import from_dict, to_dict
from napari_neuroembed.options.models import PRESETS, EncoderOptions, ModelOptions, twin


def size(module: nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give weights and stored statistics values that no default hides."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.is_floating_point():
            drawn = 0.4 * torch.randn(value.shape, generator=generator)
            value.data = drawn.abs() + 0.5 if "running_var" in name else drawn
    return module.double().eval()


def test_the_parameter_counts_are_those_of_table_s1() -> None:
    image = ImageEncoder(EncoderOptions(), 128, 128)
    assert size(image) == 232_096
    assert size(image.head) == 157_740
    assert size(image) - size(image.head) == 74_356
    assert size(PoseEncoder(EncoderOptions(), 60)) == 144_684


def test_the_frame_half_costs_the_multiplications_of_the_specification() -> None:
    macs: list[int] = []

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            macs.append(output[0].numel() * module.in_channels * 9)

    encoder = ImageEncoder(EncoderOptions(), 128, 128).eval()
    for module in encoder.modules():
        module.register_forward_hook(count)
    encoder.frames(torch.zeros(1, 128, 128))
    linear = 256 * 128 + 128 * 128
    assert macs[1:] == [294_912] * 5
    assert macs == [294_912] * 6
    assert sum(macs) + linear == 1_818_624


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ((128, 128), (2, 4, 8, 16, 32, 64)),
        ((64, 64), (4, 8, 16, 32, 64)),
        ((32, 32), (8, 16, 32, 64)),
        ((16, 16), (16, 32, 64)),
        ((8, 8), (32, 64)),
        ((480, 736), (2, 2, 4, 8, 16, 32, 64)),
        ((256, 256), (2, 2, 4, 8, 16, 32, 64)),
        ((40, 100), (8, 16, 32, 64)),
    ],
)
def test_the_depth_follows_the_image_size(
    image: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert widths_for(*image) == expected


@pytest.mark.parametrize("image", [(8, 8), (9, 13), (16, 24), (31, 33), (64, 40)])
def test_every_image_size_from_8_pixels_on_can_be_embedded(
    image: tuple[int, int],
) -> None:
    encoder = ImageEncoder(EncoderOptions(), *image).eval()
    assert encoder(torch.zeros(1, 3, *image)).shape == (1, 128)


@pytest.mark.parametrize("widths", [None, (4,)])
def test_smaller_images_are_refused(widths: tuple[int, ...] | None) -> None:
    with pytest.raises(
        ConfigError, match="image is 6×6; the encoder needs at least 8×8"
    ):
        ImageEncoder(EncoderOptions(widths=widths), 6, 6)


def test_more_poolings_than_the_image_has_room_for_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"16×16; 5 convolutions .* at least 32×32"):
        ImageEncoder(EncoderOptions(widths=(2, 2, 2, 2, 2)), 16, 16)


def test_the_frame_half_equals_the_loops() -> None:
    encoder = ImageEncoder(EncoderOptions(widths=(2, 3), frame_dim=4), 9, 8)
    randomised(encoder)
    image = np.random.default_rng(0).standard_normal((9, 8))
    weights = {name: value.numpy() for name, value in encoder.state_dict().items()}
    values = image[None]
    for layer in (0, 4):
        values = reference.image_layer(
            values,
            weights[f"convolutions.{layer}.weight"],
            weights[f"convolutions.{layer}.bias"],
        )
        norm = f"convolutions.{layer + 1}"
        values = reference.batch_norm_relu(
            values,
            weights[f"{norm}.running_mean"],
            weights[f"{norm}.running_var"],
            weights[f"{norm}.weight"],
            weights[f"{norm}.bias"],
        )
        values = reference.pool_image(values)
    hidden = weights["fc13.weight"] @ values.ravel() + weights["fc13.bias"]
    expected = weights["fc14.weight"] @ np.maximum(hidden, 0) + weights["fc14.bias"]
    found = encoder.frames(torch.from_numpy(image)[None])[0]
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-9)


def test_the_temporal_half_equals_the_loops() -> None:
    head = TemporalHead(5, (4, 3, 6), 7, hidden=2)
    randomised(head)
    window = np.random.default_rng(0).standard_normal((7, 5))
    weights = {name: value.numpy() for name, value in head.state_dict().items()}
    values = window.T
    for number, layer in enumerate((0, 3, 7)):
        values = reference.time_layer(
            values,
            weights[f"convolutions.{layer}.weight"],
            weights[f"convolutions.{layer}.bias"],
        )
        norm = f"convolutions.{layer + 1}"
        values = reference.batch_norm_relu(
            values,
            weights[f"{norm}.running_mean"],
            weights[f"{norm}.running_var"],
            weights[f"{norm}.weight"],
            weights[f"{norm}.bias"],
        )
        if number == 1:
            values = reference.pool_time(values)
    pooled = reference.attention(
        values.T, weights["pool.inner.weight"], weights["pool.outer.weight"]
    )
    expected = weights["fc7.weight"] @ pooled + weights["fc7.bias"]
    found = head(torch.from_numpy(window)[None])[0]
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-9)


def test_softmax_weights_sum_to_1_and_keep_the_ranking_of_the_scores() -> None:
    with initial_weights(0):
        pool, printed = AttentionPool(6, 4), AttentionPool(6, 4, "neglogsoftmax")
    printed.load_state_dict(pool.state_dict())
    pool.requires_grad_(False)
    printed.requires_grad_(False)
    x = torch.randn(5, 8, 6, generator=torch.Generator().manual_seed(0))
    score = pool.outer(torch.tanh(pool.inner(x))).squeeze(-1)
    torch.testing.assert_close(pool.weights(x).sum(dim=1), torch.ones(5))
    assert torch.equal(pool.weights(x).argsort(dim=1), score.argsort(dim=1))
    reversed_ranking = score.argsort(dim=1, descending=True)
    assert torch.equal(printed.weights(x).argsort(dim=1), reversed_ranking)
    assert float(printed.weights(x).sum(dim=1).min()) > 5


def test_the_mean_has_no_attention_parameters() -> None:
    pool = AttentionPool(6, 4, "mean")
    x = torch.randn(2, 8, 6, generator=torch.Generator().manual_seed(0))
    assert size(pool) == 0
    torch.testing.assert_close(pool(x), x.mean(dim=1))


def test_a_single_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"at least 2 frames in a window, found 1"):
        build_encoder("auto", EncoderOptions(), (1, 60), seed=0)
    with pytest.raises(TrainingError, match=r"at least 2 in a window, found 1"):
        PoseEncoder(EncoderOptions(), 6)(torch.zeros(1, 1, 6))


def test_windows_of_another_shape_are_refused() -> None:
    image = ImageEncoder(EncoderOptions(), 16, 24)
    with pytest.raises(TrainingError, match=r"built for images of 16×24.*24, 16"):
        image(torch.zeros(2, 4, 24, 16))
    with pytest.raises(TrainingError, match=r"\(batch, time, y, x\), found \(2, 4\)"):
        image(torch.zeros(2, 4))
    with pytest.raises(TrainingError, match=r"\(batch, time, 6\), found \(2, 8, 5\)"):
        PoseEncoder(EncoderOptions(), 6)(torch.zeros(2, 8, 5))


def test_the_twin_preset_is_the_small_network() -> None:
    options = twin()
    encoder = build_encoder("auto", options.neural, (8, 16, 16), seed=0)
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    over_time = [m for m in encoder.modules() if isinstance(m, nn.Conv1d)]
    assert [layer.out_channels for layer in convolutions] == [8, 16, 32]
    assert [layer.out_channels for layer in over_time] == [64, 64, 64]
    assert encoder(torch.zeros(2, 8, 16, 16)).shape == (2, 64)


@pytest.mark.parametrize("name", PRESETS)
def test_model_presets_survive_a_file(name: str) -> None:
    options = PRESETS[name]()
    assert from_dict(ModelOptions, to_dict(options)) == options


def test_auto_is_decided_by_the_kind_of_input() -> None:
    assert resolve_name("auto", (32, 64, 64)) == "image_cnn"
    assert resolve_name("auto", (8, 60)) == "pose_cnn"
    assert resolve_name("auto", (8, 60), [60, 20]) == "trace_cnn"


def test_unknown_names_and_wrong_inputs_are_refused() -> None:
    with pytest.raises(
        ConfigError,
        match=r"'image_cn'\. Did you mean image_cnn\? Known: auto, image_cnn",
    ):
        build_encoder("image_cn", EncoderOptions(), (32, 64, 64), seed=0)
    with pytest.raises(ConfigError, match=r"\(time, y, x\), found \(32, 64\)"):
        build_encoder("image_cnn", EncoderOptions(), (32, 64), seed=0)
    with pytest.raises(ConfigError, match=r"\(time, features\), found \(32, 64, 64\)"):
        build_encoder("pose_cnn", EncoderOptions(), (32, 64, 64), seed=0)


def test_the_random_encoder_has_the_weights_a_training_starts_from() -> None:
    options = EncoderOptions()
    started = build_encoder("pose_cnn", options, (8, 6), seed=5)
    frozen = random_encoder("pose_cnn", options, (8, 6), seed=5)
    assert all(
        torch.equal(a, b)
        for a, b in zip(started.parameters(), frozen.parameters(), strict=True)
    )
    assert not frozen.training
    assert not any(weights.requires_grad for weights in frozen.parameters())


def test_a_projection_head_has_one_hidden_layer_of_the_embeddings_width() -> None:
    head = build_projection(128, 128, seed=0)
    assert size(head) == 2 * (128 * 128 + 128)
    again, other = (build_projection(128, 128, seed=seed) for seed in (0, 1))
    z = torch.ones(1, 128)
    assert torch.equal(head(z), again(z))
    assert not torch.equal(head(z), other(z))
