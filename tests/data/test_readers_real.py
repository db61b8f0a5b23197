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


FLY6 = "180921_aDN_CsCh_Fly6_003_SG1"


@pytest.mark.parametrize(
    ("name", "shape", "unit", "first", "last"),
    [
        ("210902_PR_Fly1_pose3d_aligned", (1000, 30, 3), "", "RF_Coxa", "LH_Claw"),
        (
            "210902_PR_Fly1_leg_joint_angles",
            (1000, 42, 1),
            "rad",
            "RF_ThC_yaw",
            "LH_TiTa_pitch",
        ),
        (
            "220525_aJO_Fly001_001_converted_dict",
            (6000, 17, 3),
            "",
            "RF_Coxa",
            "Thorax_2",
        ),
        (
            f"aligned_pose__{FLY6}_behData_images_images",
            (900, 30, 3),
            "",
            "RF_Coxa",
            "LH_Claw",
        ),
        (
            f"preds_{FLY6}_behData_images-images",
            (900, 38, 2),
            "px",
            "RF_Coxa",
            "L_Stripe3",
        ),
        (
            "preds_180921_aDN_PR_Fly8_005_SG1_behData_images-images",
            (900, 38, 2),
            "px",
            "RF_Coxa",
            "L_Stripe3",
        ),
    ],
)
def test_pickles_of_fly_poses_are_known_and_have_no_rate(
    name, shape, unit, first, last, shared_data
):
    path = shared_data("fly_pose_nely") / f"{name}.pkl"
    with pytest.raises(DataError, match=rf"holds {shape[0]:,} frames but no frame rat"):
        read(path, ("pose",))
    stream = read(path, ("pose",), rate_hz=100.0)
    assert (stream.data.shape, stream.units) == (shape, unit)
    assert (stream.names[0], stream.names[-1]) == (first, last)
    assert stream.valid.all()


@pytest.mark.parametrize(
    ("pickle", "npz"),
    [
        ("210902_PR_Fly1_pose3d_aligned", "210902_PR_Fly1"),
        (f"aligned_pose__{FLY6}_behData_images_images", FLY6),
    ],
)
def test_a_pickle_and_its_plain_copy_are_one_pose(pickle, npz, shared_data):
    folder = shared_data("fly_pose_nely")
    stream = read(folder / f"{pickle}.pkl", ("pose",), rate_hz=100.0)
    plain = read(folder / f"{npz}.npz", ("pose",))
    assert stream.names == plain.names
    np.testing.assert_array_equal(stream.data.astype(np.float32), plain.data)


def test_predictions_are_columns_and_rows_of_the_side_they_are_said_to_be(shared_data):
    """A linear camera maps the same recording's 3-D pose onto them, in one scale."""
    folder = shared_data("fly_pose_nely")
    space = read(
        folder / f"aligned_pose__{FLY6}_behData_images_images.pkl",
        ("pose",),
        rate_hz=100.0,
    )
    image = read(
        folder / f"preds_{FLY6}_behData_images-images.pkl", ("pose",), rate_hz=100.0
    )
    for leg, along, tolerance in (("RF", 1, 0.05), ("LF", -1, 0.1)):
        point = f"{leg}_Claw"
        where = space.data[:, space.names.index(point)]
        seen = image.data[:, image.names.index(point)]
        design = np.c_[where, np.ones(len(where))]
        map_, residual, *_ = np.linalg.lstsq(design, seen, rcond=None)
        explained = 1 - residual / ((seen - seen.mean(axis=0)) ** 2).sum(axis=0)
        assert (explained > 0.97).all(), leg
        # forward is sideways in the image, up is up, both at the same scale
        forward, up = along * map_[0, 0], -map_[2, 1]
        assert forward == pytest.approx(up, rel=tolerance)
        assert forward > 100
        other = image.data[:, image.names.index(f"{'LR'[leg == 'LF']}F_Claw")]
        _, residual, *_ = np.linalg.lstsq(design, other, rcond=None)
        explained = 1 - residual / ((other - other.mean(axis=0)) ** 2).sum(axis=0)
        assert (explained < 0.7).all(), leg


def test_a_table_of_pandas_is_refused_and_says_why(shared_data):
    path = shared_data("fly_annotations_aymanns2022") / "annotations_df.pkl"
    with pytest.raises(
        DataError, match=r"annotations_df.pkl asks to load pandas.*Export it as CSV"
    ):
        read(path, ("pose",), rate_hz=100.0)


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


def test_all_components_of_caiman_import_as_traces_and_matlab_is_refused(shared_data):
    folder = shared_data("ca_traces_caiman")
    for name, shape in (("demoMovie_C", (2000, 16)), ("example_C", (3000, 58))):
        options = {"key": "C", "transpose": True}
        stream = read(folder / f"{name}.npz", ("trace",), rate_hz=10.0, **options)
        assert (stream.kind, stream.data.shape) == ("trace", shape)
    with pytest.raises(DataError, match=r"tmppy.mat is a MATLAB file; .* not read yet"):
        read(folder / "tmppy.mat", ("trace",), rate_hz=10.0)


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
        if path.suffix not in (".tif", ".npz", ".npy", ".json", ".csv", ".pkl"):
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
