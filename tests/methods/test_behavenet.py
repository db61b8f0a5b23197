"""BehaveNet asks for the posterior at each window's centre, of fit recordings alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_neuroembed.config import with_settings
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods import as_defined
from napari_neuroembed.methods.base import FitPoses
from napari_neuroembed.training.poses import fit_poses
from napari_neuroembed.training.setup import prepare


@pytest.fixture
def setup(recordings, config):
    config = as_defined(config, "behavenet")
    return prepare(
        recordings, with_settings(config, ["method_options.states=[2]"]), None
    )


def test_poses_are_those_of_fit_frames_and_windows_lie_at_their_centre(setup) -> None:
    data = setup.data
    poses = fit_poses(data, setup.split)
    fit = [r for r in data.recordings if setup.split.roles[r.id] == "fit"]
    n_usable = sum(int(r.streams["pose"].valid.sum()) for r in fit)
    assert sum(map(len, poses.sequences)) == n_usable
    windows = data.windows
    centre = windows.pose[:, windows.pose.shape[1] // 2]
    rows = torch.arange(len(windows))
    expected = data.pose.gather(windows.recording, centre[rows].unsqueeze(1))[:, 0]
    found = [
        poses.sequences[s][f]
        for s, f in zip(poses.window_sequence, poses.window_frame, strict=True)
    ]
    assert np.array_equal(np.stack(found), expected.numpy())


def test_targets_are_the_same_from_loaded_buffers(setup, recordings) -> None:
    expected = setup.batches.targets
    assert torch.allclose(expected.sum(dim=1), torch.ones(len(expected)), atol=1e-5)
    again = prepare(recordings, setup.parts.method.config, None, is_begun=True)
    again.parts.method.load_state_dict(setup.parts.method.state_dict())
    assert torch.equal(again.batches.targets, expected)


def test_a_pose_that_never_moves_is_refused(setup) -> None:
    still = FitPoses([np.ones((50, 3), np.float32)], np.zeros(1, int), np.zeros(1, int))
    with pytest.raises(TrainingError, match="none of its 3 features varies"):
        setup.parts.method.prepare(still, np.random.default_rng(0))
