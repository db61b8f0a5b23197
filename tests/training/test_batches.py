"""Batches are a pure function of (seed, step) and never see fresh recordings."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
import torch

from napari_neuroembed.config import with_settings
from napari_neuroembed.data.splits import make_split
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods import as_defined
from napari_neuroembed.options.split import SplitOptions
from napari_neuroembed.training.frames import FrameBank
from napari_neuroembed.training.setup import check_needs, prepare


def tensors(batch):
    return {
        field.name: getattr(batch, field.name)
        for field in dataclasses.fields(batch)
        if getattr(batch, field.name) is not None
    }


@pytest.mark.parametrize("method", ["guenel2022", "simclr", "simclr_views"])
def test_the_batch_of_a_step_depends_on_nothing_but_seed_and_step(
    method, recordings, config
):
    config = as_defined(config, method)
    first = prepare(recordings, config, None).batches
    second = prepare(recordings, config, None).batches
    torch.manual_seed(99)
    second.draw(3)
    a, b = tensors(first.draw(7)), tensors(second.draw(7))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["neural"], first.draw(8).neural)


def test_drawing_a_batch_leaves_the_global_generators_alone(recordings, config):
    batches = prepare(recordings, config, None).batches
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    batches.draw(0)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


def test_an_epoch_shows_every_window_once(recordings, config):
    batches = prepare(recordings, config, None).batches
    steps = batches.n // batches.size
    rows = torch.cat([batches.rows(step) for step in range(steps)])
    assert len(torch.unique(rows)) == len(rows) == steps * batches.size


def test_balanced_batches_hold_equal_shares_of_every_animal(recordings, config):
    config = with_settings(config, ["training.balanced=true"])
    batches = prepare(recordings, config, None).batches
    animals = batches.draw(0).animal
    assert torch.bincount(animals).tolist() == [8, 8]


def test_fresh_recordings_never_appear_as_donor_neighbour_or_window(recordings, config):
    planted = 1e6
    split = make_split(recordings, config.split)
    fresh = [r for r in recordings if split.roles[r.id] == "fresh"]
    assert fresh
    for recording in fresh:
        recording.streams["neural"].data[:] = planted
        recording.streams["pose"].data[:] = planted
    batches = prepare(recordings, config, None).batches
    for step in range(30):
        for name, values in tensors(batches.draw(step)).items():
            if values.is_floating_point():
                assert values.abs().max() < 1e3, name


def test_donors_stay_away_from_the_window_and_with_their_animal(recordings, config):
    config = with_settings(
        config,
        [
            "augmentation.calcium_decay.guard_s=1.0",
            "augmentation.calcium_decay.subtract_median=false",
        ],
    )
    for number, recording in enumerate(recordings):
        stack = recording.streams["neural"].data
        frames = np.arange(len(stack), dtype=np.float32)
        stack[:] = (1000 * number + frames)[:, None, None]
    setup = prepare(recordings, config, None)
    scale = float(setup.parts.normaliser.scale[0, 0, 0])
    windows = setup.data.windows
    for step in range(10):
        rows = setup.batches.rows(step)
        value = (setup.batches.draw(step).donors[:, 0, 0] * scale).round().long()
        recording, frame = value // 1000, value % 1000
        assert (recording // 3 == windows.animal[rows]).all()
        near = (frame > windows.neural[rows][:, 0] - 16) & (
            frame < windows.neural[rows][:, -1] + 16
        )
        assert not (near & (recording == windows.recording[rows])).any()


def test_swapped_poses_come_from_the_other_animal(recordings, config):
    for recording in recordings:
        pose = recording.streams["pose"].data
        pose[:, 5] = 0.0 if recording.animal == "fly1" else 1.0
    setup = prepare(recordings, config, None)
    batch = setup.batches.draw(0)
    own = batch.pose[..., 5].round()
    assert batch.swap_mask.all()
    assert (batch.swapped[..., 5].round() == 1 - own).all()


def test_whole_windows_can_be_swapped(recordings, config):
    config = with_settings(config, ["augmentation.pose_swap.unit=window"])
    batch = prepare(recordings, config, None).batches.draw(0)
    assert batch.swapped.shape == batch.pose.shape


def test_a_second_view_is_shifted_by_less_than_the_limit(recordings, config):
    config = as_defined(config, "simclr_views")
    for recording in recordings:
        stack = recording.streams["neural"].data
        stack[:] = np.arange(len(stack), dtype=np.float32)[:, None, None]
    setup = prepare(recordings, config, None)
    scale = float(setup.parts.normaliser.scale[0, 0, 0])
    batch = setup.batches.draw(0)
    shift = (batch.neural_view - batch.neural)[:, :, 0, 0] * scale
    assert shift.abs().max() <= 4.5
    assert shift.abs().max() > 0.5


def test_swapping_with_one_animal_is_refused_with_the_methods_that_do(
    recordings, config
):
    own = [r for r in recordings if r.animal == "fly1"]
    with pytest.raises(TrainingError, match=r"at least 2.*found 1 \(fly1\)"):
        check_needs(own, config, make_split(own, SplitOptions()))


def test_a_project_without_poses_is_told_which_method_to_use(recordings, config):
    bare = [
        dataclasses.replace(r, streams={"neural": r.streams["neural"]})
        for r in recordings
    ]
    with pytest.raises(TrainingError, match="simclr_views"):
        prepare(bare, as_defined(config, "simclr"), None)


def test_too_short_recordings_are_refused_with_what_was_dropped(recordings, config):
    config = with_settings(config, ["windows.neural_frames=200"])
    with pytest.raises(TrainingError, match="Only 0 windows exist"):
        prepare(recordings, config, None)


def test_the_batch_of_a_late_step_costs_what_the_first_one_does(recordings, config):
    batches = prepare(recordings, config, None).batches

    def seconds(step):
        begun = time.process_time()
        for later in range(10):
            batches.draw(step + later)
        return time.process_time() - begun

    seconds(0)
    assert min(seconds(10**9) for _ in range(3)) < 5 * max(seconds(0), 0.001)


def test_a_bank_reads_in_chunks_and_never_the_whole_recording(config):
    reads = []

    class Counted:
        shape, dtype = (5000, 8, 8), np.dtype(np.float32)

        def __getitem__(self, key):
            n = len(range(*key.indices(5000)))
            reads.append(n)
            return np.ones((n, 8, 8), dtype=np.float32)

    class Same(torch.nn.Module):
        def forward(self, frames, group):
            assert len(frames) == len(group)
            return frames

    for resident_bytes in (1e9, 0):
        bank = FrameBank(
            [Counted()],
            [0],
            Same(),
            device=torch.device("cpu"),
            resident_bytes=resident_bytes,
        )
        assert bank.is_resident == bool(resident_bytes)
        assert sum(len(chunk) for chunk in bank.chunks(0)) == 5000
    assert max(reads) <= 512


def bank_of(frames, **options):
    return FrameBank(
        [frames],
        [0],
        Unchanged(),
        device=torch.device("cpu"),
        resident_bytes=frames.nbytes // 2,
        **options,
    )


class Unchanged(torch.nn.Module):
    def forward(self, frames, group):
        del group
        return frames


def test_half_the_memory_holds_frames_of_half_the_bits(rng):
    frames = rng.normal(size=(40, 8, 8)).astype(np.float32)
    whole, half = bank_of(frames), bank_of(frames, dtype=torch.float16)
    assert (whole.is_resident, half.is_resident) == (False, True)
    assert "read from the files" in whole.sentence()
    assert "float16" in half.sentence()
    which, numbers = torch.tensor([0, 0]), torch.tensor([[0, 1], [20, 21]])
    a, b = whole.gather(which, numbers), half.gather(which, numbers)
    assert b.dtype == torch.float32
    torch.testing.assert_close(a, b, rtol=2**-11, atol=1e-6)


def test_frames_beyond_half_precision_are_refused_and_not_clipped_silently(rng):
    frames = np.full((40, 8, 8), 1e5, dtype=np.float32)
    with pytest.raises(TrainingError, match=r"training.frames=float32"):
        bank_of(frames, dtype=torch.float16)
