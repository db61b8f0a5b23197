from __future__ import annotations

import pytest
import torch

from napari_neuroembed.errors import ConfigError, TrainingError
from napari_neuroembed.models import TraceEncoder
from napari_neuroembed.options.models import EncoderOptions

OPTIONS = EncoderOptions(temporal=(8, 8), frame_dim=5, dim=6)


def windows(n_neurons: int = 7) -> torch.Tensor:
    return torch.randn(6, 4, n_neurons, generator=torch.Generator().manual_seed(0))


def test_padding_behind_an_animals_neurons_is_never_looked_at() -> None:
    encoder = TraceEncoder(OPTIONS, [3, 7]).eval()
    animal = torch.tensor([0, 1, 0, 1, 0, 0])
    batch = windows()
    other = batch.clone()
    other[animal == 0, :, 3:] = float("nan")
    torch.testing.assert_close(encoder(batch, animal), encoder(other, animal))


def test_every_animal_has_its_own_input_layer_and_shares_the_rest() -> None:
    encoder = TraceEncoder(OPTIONS, [3, 7]).eval()
    assert [layer.in_features for layer in encoder.inputs] == [3, 7]
    batch, animal = windows(), torch.tensor([0, 1, 0, 1, 0, 0])
    found = encoder.frames(batch[:, 0], animal)
    for i, number in enumerate(animal.tolist()):
        n = encoder.n_neurons[number]
        expected = encoder.inputs[number](batch[i, 0, :n])
        torch.testing.assert_close(found[i], expected)


def test_only_the_animals_of_the_batch_get_gradients() -> None:
    encoder = TraceEncoder(OPTIONS, [7, 7, 7])
    encoder(windows(), torch.tensor([0, 0, 2, 2, 0, 2])).square().sum().backward()
    assert encoder.inputs[0].weight.grad is not None
    assert encoder.inputs[1].weight.grad is None
    assert encoder.inputs[2].weight.grad is not None


def test_one_animal_needs_no_number() -> None:
    encoder = TraceEncoder(OPTIONS, [7]).eval()
    batch = windows()
    torch.testing.assert_close(
        encoder(batch), encoder(batch, torch.zeros(6, dtype=torch.long))
    )


def test_an_empty_batch_of_frames_has_no_features() -> None:
    encoder = TraceEncoder(OPTIONS, [7])
    assert encoder.frames(torch.zeros(0, 7)).shape == (0, 5)


def test_what_does_not_fit_is_refused() -> None:
    encoder = TraceEncoder(OPTIONS, [3, 7])
    with pytest.raises(TrainingError, match=r"input layers of 2 animals; say"):
        encoder(windows())
    with pytest.raises(TrainingError, match=r"animal number 2; it was built for 2"):
        encoder(windows(), torch.full((6,), 2))
    with pytest.raises(TrainingError, match=r"number 1 has 7 neurons .* have 5"):
        encoder(windows(5), torch.ones(6, dtype=torch.long))
    with pytest.raises(TrainingError, match=r"24 rows and animals of shape \(8,\)"):
        encoder(windows(), torch.zeros(2, dtype=torch.long))
    with pytest.raises(TrainingError, match=r"found \(6, 7\)"):
        encoder(windows()[:, 0], torch.zeros(6, dtype=torch.long))
    with pytest.raises(ConfigError, match=r"found \[3, 0\]"):
        TraceEncoder(OPTIONS, [3, 0])
