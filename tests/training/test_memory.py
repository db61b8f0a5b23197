"""Large tensors do not cost page faults at every step."""

import platform

import pytest
import torch

from napari_neuroembed.training.memory import freed_blocks_kept


def faults_of(n_rounds):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n_rounds):
        torch.ones(20_000_000).sum()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about glibc")
def test_freed_blocks_are_used_again_and_then_given_back():
    with freed_blocks_kept() as kept:
        assert kept
        inside = faults_of(30)  # the first few may find new places yet
    assert inside < 0.5 * faults_of(30)


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with freed_blocks_kept() as kept:
        assert not kept
