"""The pixels a training looks at."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_neuroembed.data.derived import MASK_FILE
from napari_neuroembed.errors import DataError
from napari_neuroembed.training.setup import common_mask


def project_of(folder, **masks):
    for name, mask in masks.items():
        (folder / name).mkdir()
        if mask is not None:
            np.save(folder / name / MASK_FILE, mask)
    return SimpleNamespace(
        recording_ids=lambda: tuple(masks), derived_folder=folder.joinpath
    )


def test_the_mask_of_a_training_is_what_all_recordings_show(tmp_path):
    left, right = np.ones((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)
    left[:, 0], right[0] = False, False
    found = common_mask(project_of(tmp_path, a=left, b=right, traces=None))
    assert found.sum() == 9


def test_recordings_of_two_sizes_are_refused_and_not_trained_without_a_mask(tmp_path):
    a, b = np.ones((4, 4), dtype=bool), np.ones((8, 8), dtype=bool)
    with pytest.raises(DataError, match=r"prepared to one size, found .*4.*8"):
        common_mask(project_of(tmp_path, a=a, b=b))


def test_traces_have_no_mask(tmp_path):
    assert common_mask(project_of(tmp_path, a=None)) is None
