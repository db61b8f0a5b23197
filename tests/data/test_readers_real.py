"""The shared recordings import, or are refused, as their provenance says."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile

from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.errors import DataError


def read(path, kinds, rate_hz=None, accept=(), **options):
    source = Source.find(path)
    reader = find_reader(source, kinds)
    streams = reader.read(source, options, rate_hz=rate_hz, accept=frozenset(accept))
    (stream,) = streams.values()
    return stream


def test_the_running_mouse_has_a_movie_and_two_scalars_of_equal_length(shared_data):
    folder = shared_data("mouse2p_thunder_running")
    movie = folder / "images_500x64x64.tif"
    with pytest.raises(DataError, match=r"500 frames but no frame rate"):
        read(movie, ("neural",))
    images = read(movie, ("neural",), rate_hz=7.0)
    assert (images.data.shape, images.data.dtype) == ((500, 64, 64), np.int16)
    np.testing.assert_array_equal(images.data[:], tifffile.imread(movie))
    scalars = read(folder / "covariates.json", ("scalar",), rate_hz=7.0)
    assert scalars.names == ("runningSpeed", "corridorPosition")
    assert scalars.units == "cm/s, cm"
    assert len(scalars) == len(images)
    assert scalars.data[0].tolist() == [18.2, 7.68]


def test_the_long_movie_is_mapped_and_not_loaded(shared_data):
    path = shared_data("mouse2p_neurofinder600") / "crop160_600f.tif"
    stream = read(path, ("neural",), rate_hz=7.0)
    assert isinstance(stream.data, np.memmap)
    assert stream.data.shape == (600, 160, 160)
    np.testing.assert_array_equal(stream.data[599], tifffile.imread(path, key=599))


def test_the_fly_nerve_cord_is_slices_by_its_text_and_two_channels_in_truth(
    shared_data,
):
    folder = shared_data("fly2p_vnc_chen2018")
    with pytest.raises(DataError, match=r'"ZYX" has slices but no time.*axes: TYX'):
        read(folder / "GC6s.tif", ("neural",), rate_hz=2.0)
    stream = read(
        folder / "*.tif",
        ("neural",),
        rate_hz=2.0,
        axes="TYX",
        join="channel",
        channels={"functional": 0, "anatomical": 1},
    )
    assert stream.data.shape == (10, 2, 256, 256)
    np.testing.assert_array_equal(
        stream.data[:, 1], tifffile.imread(folder / "tdTom.tif")
    )
    assert stream.facts["pixel_um"] == pytest.approx(0.478, abs=1e-3)


@pytest.mark.parametrize(
    ("worm", "n", "neurons", "rate"),
    [("worm_0", 3137, 103, 2.9046), ("worm_4", 3021, 121, 2.7972)],
)
def test_the_worms_are_traces_at_their_own_rates(worm, n, neurons, rate, shared_data):
    path = shared_data("worm_kato2015") / f"{worm}.npz"
    with pytest.raises(DataError, match=rf"{neurons} frames of 3,.* transpose: true"):
        read(path, ("trace",))
    options = {"key": "traces", "transpose": True, "rate_key": "fps"}
    stream = read(path, ("trace",), names_key="neuron_names", **options)
    assert (stream.kind, stream.data.shape) == ("trace", (n, neurons))
    assert stream.time.rate_hz == pytest.approx(rate, abs=1e-4)
    assert len(stream.names) == neurons
    with pytest.raises(DataError, match=r"no array 'names' \(names_key\). It holds t"):
        read(path, ("trace",), names_key="names", **options)


def test_the_walking_fly_is_a_pose_of_thirty_points(shared_data):
    path = shared_data("fly_pose_nely") / "210902_PR_Fly1.npz"
    stream = read(path, ("pose",))
    assert (stream.kind, stream.data.shape, stream.time.rate_hz) == (
        "pose",
        (1000, 30, 3),
        100.0,
    )
    assert len(stream.names) == 30


def test_joint_angles_are_a_pose_of_one_dimension(shared_data):
    path = shared_data("fly_pose_nely") / "aymans2022_behavior_clip.npz"
    stream = read(path, ("pose",), kind="pose", names_key="dof_order")
    assert (stream.data.shape, stream.units) == ((501, 42, 1), "radian")
    assert stream.time.rate_hz == 100.0


def test_the_components_of_caiman_are_chosen_by_key(shared_data):
    path = shared_data("ca_traces_caiman") / "example_C.npz"
    with pytest.raises(DataError, match=r"C \(58, 3000\) float32, rig_shifts \(3000"):
        read(path, ("trace",), rate_hz=10.0)
    stream = read(path, ("trace",), rate_hz=10.0, key="C", transpose=True)
    assert stream.data.shape == (3000, 58)


def test_a_volume_in_time_asks_for_a_slice(shared_data):
    folder = shared_data("thorlabs_utils2p")
    path = folder / "mouse_kidney_time_series_z_stack__z_stack.tif"
    with pytest.raises(DataError, match="3 slices per time point"):
        read(path, ("neural",), rate_hz=1.0)
    stream = read(path, ("neural",), rate_hz=1.0, z=1)
    np.testing.assert_array_equal(stream.data[:], tifffile.imread(path)[:, 1])


def test_every_shared_file_is_described_in_less_than_a_second(shared_data, tmp_path):
    import time

    folder = shared_data("worm_kato2015").parent
    described = 0
    for path in sorted(folder.glob("*/*.*")):
        if path.suffix not in (".tif", ".npz", ".npy", ".json", ".csv"):
            continue
        copy = shutil.copyfile(path, tmp_path / path.name)
        for reader in READERS.values():
            if reader.sniff(Source((copy,)))[0] < 0.5:
                continue
            start = time.process_time()
            try:
                reader.describe(Source((copy,)), {})
                described += 1
            except DataError as error:
                assert path.name in str(error)  # noqa: PT017
            assert time.process_time() - start < 1.0, (path, reader.name)
        copy.unlink()
    assert described > 10
