"""What every encoder promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_neuroembed.models import ENCODERS, Encoder, FrameEncoder, build_encoder
from napari_neuroembed.options.models import EncoderOptions

INPUTS: dict[str, tuple[tuple[int, ...], Sequence[int] | None]] = {
    "image_cnn": ((8, 16, 16), None),
    "pose_cnn": ((8, 10), None),
    "trace_cnn": ((8, 12), (12, 5)),
}
SHARED = ("image_cnn", "trace_cnn")
ATTENTIONS = ("softmax", "neglogsoftmax", "mean")


def make(name: str, seed: int = 3, attention: str = "softmax") -> Encoder:
    shape, n_neurons = INPUTS[name]
    options = EncoderOptions(dim=24, attention=attention)  # type: ignore[arg-type]
    return build_encoder(name, options, shape, seed=seed, n_neurons=n_neurons)


def batch(name: str, n: int = 6, n_frames: int | None = None) -> tuple[Tensor, ...]:
    shape, n_neurons = INPUTS[name]
    length = n_frames or shape[0]
    x = torch.randn(n, length, *shape[1:], generator=torch.Generator().manual_seed(0))
    return (x,) if n_neurons is None else (x, torch.arange(n) % len(n_neurons))


def numpy_words() -> Any:
    """Return the state of numpy's global generator."""
    return np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002


def test_every_encoder_is_tested_here() -> None:
    assert set(INPUTS) == set(ENCODERS)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("name", ENCODERS)
def test_windows_become_embeddings_of_its_dimensions(name: str, attention: str) -> None:
    encoder = make(name, attention=attention)
    h = encoder(*batch(name))
    assert h.shape == (6, encoder.dim) == (6, 24)
    assert torch.isfinite(h).all()


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("name", ENCODERS)
def test_gradients_reach_all_parameters(name: str, attention: str) -> None:
    encoder = make(name, attention=attention)
    target = torch.randn(6, 24, generator=torch.Generator().manual_seed(1))
    (encoder(*batch(name)) - target).square().sum().backward()
    for weights, value in encoder.named_parameters():
        assert value.grad is not None, weights
        if not weights.startswith("convolutions") or "bias" not in weights:
            assert torch.isfinite(value.grad).all(), weights
        if "bias" not in weights:
            assert float(value.grad.abs().sum()) > 0, weights


@pytest.mark.parametrize("name", ENCODERS)
def test_a_batch_of_one_window_can_be_embedded(name: str) -> None:
    encoder = make(name).eval()
    every, one = encoder(*batch(name)), encoder(*(part[:1] for part in batch(name)))
    torch.testing.assert_close(one, every[:1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_frames", [2, 3, 5, 32])
@pytest.mark.parametrize("name", ENCODERS)
def test_windows_of_any_length_from_2_frames_on_can_be_embedded(
    name: str, n_frames: int
) -> None:
    assert make(name).eval()(*batch(name, n_frames=n_frames)).shape == (6, 24)


@pytest.mark.parametrize("name", ENCODERS)
def test_weights_depend_on_the_seed_alone(name: str) -> None:
    torch.manual_seed(0)
    first = make(name).state_dict()
    torch.manual_seed(1)
    second, other = make(name).state_dict(), make(name, seed=4).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", ENCODERS)
def test_building_and_running_leave_the_global_generators_alone(name: str) -> None:
    torch_state, numpy_state = torch.get_rng_state(), numpy_words()
    make(name)(*batch(name))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(numpy_words(), numpy_state)


@pytest.mark.parametrize("name", ENCODERS)
def test_two_encoders_share_nothing(name: str) -> None:
    one, other = make(name), make(name)
    with torch.no_grad():
        for weights in one.parameters():
            weights.add_(1)
    assert all(
        not torch.equal(a, b)
        for a, b in zip(one.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize("name", ENCODERS)
def test_the_input_is_left_alone(name: str) -> None:
    parts = batch(name)
    before = parts[0].clone()
    make(name)(*parts)
    assert torch.equal(parts[0], before)


@pytest.mark.parametrize("name", SHARED)
def test_shared_frames_give_the_embedding_of_every_window(name: str) -> None:
    encoder = make(name)
    assert isinstance(encoder, FrameEncoder)
    for _ in range(3):
        encoder(*batch(name))  # running statistics that are not the defaults
    encoder.eval()
    shape, n_neurons = INPUTS[name]
    recording = torch.randn(40, *shape[1:], generator=torch.Generator().manual_seed(5))
    animal = () if n_neurons is None else (torch.zeros(40, dtype=torch.long),)
    members = torch.arange(33)[:, None] + torch.arange(8)
    with torch.no_grad():
        features = torch.cat(
            [
                encoder.frames(recording[rows], *(part[rows] for part in animal))
                for rows in torch.arange(42).clamp_max(39).reshape(6, 7)
            ]
        )
        shared = encoder.temporal(features[members])
        each = torch.cat(
            [
                encoder(recording[row][None], *(part[:1] for part in animal))
                for row in members
            ]
        )
    torch.testing.assert_close(shared, each, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_can_be_saved_and_built_again(name: str) -> None:
    saved = make(name)
    saved(*batch(name))
    again = make(name, seed=9)
    again.load_state_dict(saved.state_dict())
    assert torch.equal(saved.eval()(*batch(name)), again.eval()(*batch(name)))
