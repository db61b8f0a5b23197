"""Large tensors do not cost page faults at every step."""

import platform

import pytest
import torch

from napari_neuroembed.training.memory import freed_blocks_kept


def faults_of(n_steps):
    """Return the page faults of steps of a network with large activations."""
    import resource

    network = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU())
    images = torch.ones(32, 1, 128, 128)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n_steps):
        network(images).square().mean().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about glibc")
def test_freed_blocks_are_used_again_and_then_given_back():
    with freed_blocks_kept() as kept:
        assert kept
        faults_of(10)  # the first ones find their places
        inside = faults_of(10)
    assert inside < 0.3 * faults_of(10)


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with freed_blocks_kept() as kept:
        assert not kept
