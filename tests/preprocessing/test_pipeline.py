"""A raw recording becomes a derived folder: numbers, refusals, resuming, memory."""

import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.transform import resize_local_mean
from tests.preprocessing.reference_preprocessing import (
    area_mean_by_loop,
    moving_movie,
    resting_by_loop,
)

from napari_neuroembed.data.derived import (
    QUALITY_COLUMNS,
    read_derived,
    read_mask,
    read_provenance,
)
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.errors import Cancelled, DataError, DiskError
from napari_neuroembed.options.preprocessing import (
    DffOptions,
    PreprocessingOptions,
    RegistrationOptions,
    ResizeOptions,
)
from napari_neuroembed.preprocessing.pipeline import (
    estimate_disk,
    is_current,
    preprocess_recording,
)
from napari_neuroembed.preprocessing.registration import shift_frames

STILL = RegistrationOptions(method="none")
RAW = PreprocessingOptions(
    registration=STILL,
    dff=DffOptions(window_frames=5),
    resize=ResizeOptions(height=8, width=8),
)


def recording(data, *, names=(), valid=None, more=None, rate_hz=16.0):
    clock = TimeAxis(len(data), start_s=2.0, rate_hz=rate_hz)
    if valid is None:
        valid = np.ones(len(data), dtype=bool)
    neural = Stream("neural", data, clock, valid, names=names, units="counts")
    return Recording("fly1_001", "fly1", {"neural": neural, **(more or {})})


def counts(rng, n=61, shape=(16, 24), dtype=np.uint16):
    return rng.integers(300, 900, (n, *shape)).astype(dtype)


def drifting(rng):
    frames, _, _ = moving_movie(20, 48, peak=300, reach=1, rng=rng)
    return frames.astype(np.uint16)


def cache_of(folder):
    return read_derived(folder, id="fly1_001", animal="fly1").streams["neural"]


def test_the_cache_holds_the_area_mean_of_dff_in_per_cent(tmp_path, rng):
    stack = counts(rng)
    preprocess_recording(recording(stack), RAW, tmp_path / "r")
    neural = cache_of(tmp_path / "r")
    f0 = resting_by_loop(stack, 5)
    for t in (0, 30, 60):
        expected = area_mean_by_loop(100 * (stack[t] - f0) / f0, 8, 8)
        np.testing.assert_allclose(neural.data[t], expected, rtol=1e-4, atol=1e-3)
    assert neural.units == "dff_percent"
    assert neural.time.start_s == 2.0
    assert read_mask(tmp_path / "r").all()


def test_motion_is_removed_and_the_common_pixels_are_known(tmp_path, rng):
    frames, shifts, _ = moving_movie(60, 96, peak=300, reach=4, rng=rng)
    options = PreprocessingOptions(
        dff=DffOptions(method="none"), resize=ResizeOptions(method="none")
    )
    preprocess_recording(recording(frames.astype(np.uint16)), options, tmp_path / "r")
    quality = pd.read_parquet(tmp_path / "r" / "quality.parquet")
    assert tuple(quality.columns) == QUALITY_COLUMNS
    rest = quality[["shift_y", "shift_x"]].to_numpy() - shifts
    assert np.abs(rest - np.median(rest, axis=0)).max() < 0.1
    mask = read_mask(tmp_path / "r")
    assert 0.7 < mask.mean() < 1
    cache = np.asarray(cache_of(tmp_path / "r").data)
    unmoved = np.asarray(frames, dtype=float)[:, mask].std(axis=0).mean()
    assert cache[:, mask].std(axis=0).mean() < 0.6 * unmoved
    assert (cache[:, ~mask] == 0).all()


def test_the_anatomical_channel_moves_the_functional_one(tmp_path, rng):
    frames, shifts, _ = moving_movie(40, 64, peak=300, reach=3, rng=rng)
    blank = rng.poisson(50, frames.shape)  # nothing to align here
    both = np.stack([frames, blank], axis=1).astype(np.uint16)
    options = PreprocessingOptions(dff=DffOptions(window_frames=5))
    for names in (("anatomical", "functional"), ("functional", "other")):
        data = recording(both, names=names)
        done = preprocess_recording(data, options, tmp_path / names[0])
        facts = done["streams"]["neural"]["registration"]
        quality = pd.read_parquet(tmp_path / names[0] / "quality.parquet")
        rest = quality[["shift_y", "shift_x"]].to_numpy() - shifts
        assert np.abs(rest - np.median(rest, axis=0)).max() < 0.1
        assert facts["estimated_on"] == names[0]
    brightness = pd.read_parquet(tmp_path / "anatomical/quality.parquet")["brightness"]
    np.testing.assert_allclose(brightness, blank.mean(axis=(1, 2)), rtol=1e-6)


def test_the_anatomical_channel_is_kept_small_and_moved_alike(tmp_path, rng):
    frames, _, _ = moving_movie(30, 64, peak=300, reach=3, rng=rng)
    both = np.stack([frames, frames], axis=1).astype(np.uint16)
    valid = np.ones(30, dtype=bool)
    valid[7] = False
    options = PreprocessingOptions(dff=DffOptions(window_frames=5))
    data = recording(both, names=("functional", "anatomical"), valid=valid)
    preprocess_recording(data, options, tmp_path / "r")
    small = np.load(tmp_path / "r" / "anatomical.npy")
    assert (small.shape, small.dtype) == ((30, 16, 16), np.float32)
    assert np.isnan(small[7]).all()
    quality = pd.read_parquet(tmp_path / "r" / "quality.parquet")
    shift = quality.loc[[12], ["shift_y", "shift_x"]].to_numpy()
    moved = shift_frames(both[12:13, 1].astype(np.float32), shift)[0]
    np.testing.assert_allclose(small[12], area_mean_by_loop(moved, 16, 16), rtol=1e-4)
    alone = recording(both[:, :1], names=("functional",), valid=valid)
    preprocess_recording(alone, options, tmp_path / "one")
    assert not (tmp_path / "one" / "anatomical.npy").exists()


def test_a_later_recording_lands_where_the_first_one_lies(tmp_path, rng):
    frames, _, _ = moving_movie(40, 96, peak=300, reach=2, rng=rng)
    first, later = frames[:20, 6:86, 6:86], frames[20:, 1:81, 9:89]
    options = PreprocessingOptions(dff=DffOptions(window_frames=5))
    preprocess_recording(recording(first), options, tmp_path / "a")
    template = np.load(tmp_path / "a" / "template.npy")
    done = preprocess_recording(
        recording(later), options, tmp_path / "b", reference=template
    )
    anchor = done["streams"]["neural"]["registration"]["anchor"]
    assert anchor["used"]
    assert anchor["shift_y"] == pytest.approx(5, abs=3)
    means = [np.load(tmp_path / name / "mean.npy") for name in "ab"]
    middle = np.s_[16:-16, 16:-16]
    a, b = (mean[middle].ravel() for mean in means)
    assert np.corrcoef(a, b)[0, 1] > 0.95


@pytest.mark.parametrize("max_memory_mb", [16, 512])
def test_the_result_does_not_depend_on_the_memory(tmp_path, rng, max_memory_mb):
    stack = np.random.default_rng(5).integers(200, 900, (23, 300, 310), dtype=np.uint16)
    options = PreprocessingOptions(
        registration=STILL,
        dff=DffOptions(window_frames=5),
        max_memory_mb=max_memory_mb,
    )
    seen = []
    preprocess_recording(
        recording(stack),
        options,
        tmp_path / "r",
        report=lambda stage, *_: seen.append(stage),
    )
    f0 = resting_by_loop(stack, 5)
    expected = resize_local_mean(100 * (stack[22] - f0) / f0, (64, 64))
    np.testing.assert_allclose(
        cache_of(tmp_path / "r").data[22], expected, rtol=1e-4, atol=1e-3
    )
    assert seen.count("images") == {16: 4, 512: 1}[max_memory_mb]


class Endless:
    """Frames made when they are asked for, so that the input itself needs no memory."""

    dtype = np.dtype(np.uint16)

    def __init__(self, n):
        self.shape = (n, 96, 96)
        self.still = np.random.default_rng(0).integers(300, 900, (96, 96))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        return np.stack([self.still + t % 7 for t in range(self.shape[0])[key]]).astype(
            self.dtype
        )


def test_memory_does_not_grow_with_the_length(tmp_path):
    options = PreprocessingOptions(max_memory_mb=16)
    peaks = []
    for n in (400, 1600):
        tracemalloc.start()
        preprocess_recording(recording(Endless(n)), options, tmp_path / str(n))
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert peaks[1] < 48
    assert peaks[1] < peaks[0] + 4


@pytest.mark.parametrize("n", [2, 13, 97])
def test_prime_lengths_and_short_recordings_work(tmp_path, rng, n):
    options = PreprocessingOptions(registration=STILL, dff=DffOptions(window_frames=2))
    preprocess_recording(recording(counts(rng, n)), options, tmp_path / "r")
    assert len(cache_of(tmp_path / "r")) == n


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">u2", "float32", ">f8", "uint32"])
def test_every_number_type_gives_the_same_dff(tmp_path, rng, dtype):
    stack = rng.integers(50, 120, (20, 16, 16))
    preprocess_recording(recording(stack.astype(dtype)), RAW, tmp_path / "r")
    f0 = resting_by_loop(stack, 5)
    expected = area_mean_by_loop(100 * (stack[7] - f0) / f0, 8, 8)
    np.testing.assert_allclose(cache_of(tmp_path / "r").data[7], expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("registration", "dff", "resize", "native"),
    list(
        itertools.product(
            ("rigid", "none"),
            ("running_minimum", "none"),
            ("area", "none"),
            (True, False),
        )
    ),
)
def test_every_combination_of_steps_runs(
    tmp_path, rng, registration, dff, resize, native
):
    options = PreprocessingOptions(
        registration=RegistrationOptions(method=registration, upsample=1),
        dff=DffOptions(method=dff, window_frames=5, blur_px=1.0),
        resize=ResizeOptions(method=resize, height=16, width=16, aspect="pad"),
        keep_native=native,
    )
    frames, _, _ = moving_movie(17, 48, peak=100, reach=1, rng=rng)
    data = recording(frames.astype(np.uint16))
    done = preprocess_recording(data, options, tmp_path / "r")
    neural = cache_of(tmp_path / "r")
    assert np.isfinite(neural.data).all()
    assert (tmp_path / "r" / "native.tif").exists() == native
    assert done["bytes"] <= estimate_disk(data, options)
    if native:
        whole = tifffile.imread(tmp_path / "r" / "native.tif")
        assert whole.dtype == np.uint16
        assert whole.shape == frames.shape
    if native and registration == "none":
        np.testing.assert_array_equal(whole, frames)


def test_frames_with_nan_or_inf_are_masked_counted_and_do_not_spread(tmp_path, rng):
    stack = counts(rng, 60, dtype=np.float32)
    clean = stack.copy()
    stack[20, 3, 4], stack[41, 0, 0] = np.nan, np.inf
    done = preprocess_recording(recording(stack), RAW, tmp_path / "r")
    neural = cache_of(tmp_path / "r")
    assert np.flatnonzero(~neural.valid).tolist() == [20, 41]
    assert np.isnan(neural.data[20]).all()
    assert np.isfinite(np.delete(neural.data, [20, 41], axis=0)).all()
    assert done["streams"]["neural"]["registration"]["nonfinite_frames"] == 2
    valid = neural.valid
    f0 = resting_by_loop(clean, 5, valid)
    expected = area_mean_by_loop(100 * (clean[30] - f0) / f0, 8, 8)
    np.testing.assert_allclose(neural.data[30], expected, rtol=1e-3, atol=1e-2)


def test_pixels_that_are_always_nan_become_a_hole_in_the_mask(tmp_path, rng):
    frames, _, _ = moving_movie(30, 64, peak=300, reach=2, rng=rng)
    stack = frames.astype(np.float32)
    stack[:, :3] = np.nan
    options = PreprocessingOptions(
        dff=DffOptions(window_frames=5), resize=ResizeOptions(method="none")
    )
    done = preprocess_recording(recording(stack), options, tmp_path / "r")
    neural, mask = cache_of(tmp_path / "r"), read_mask(tmp_path / "r")
    assert neural.valid.all()
    assert np.isfinite(neural.data).all()
    assert not mask[:3].any()
    assert mask[8:56, 8:56].all()
    facts = done["streams"]["neural"]["registration"]
    assert facts["nonfinite_pixels"] == 3 * 64


def test_frames_the_reader_dropped_and_flat_frames_are_not_used(tmp_path, rng):
    stack = counts(rng, 50)
    stack[10] = 0
    valid = np.arange(50) != 30
    stack[30] = 7
    done = preprocess_recording(recording(stack, valid=valid), RAW, tmp_path / "r")
    assert done["streams"]["neural"]["invalid"] == [[10, 11], [30, 31]]
    f0 = resting_by_loop(stack, 5, valid & (np.arange(50) != 10))
    expected = area_mean_by_loop(100 * (stack[0] - f0) / f0, 8, 8)
    np.testing.assert_allclose(cache_of(tmp_path / "r").data[0], expected, rtol=1e-3)


def broken(rng, kind):
    stack = counts(rng, 40, dtype=np.float32)
    if kind == "nonfinite":
        stack[5:9, 2, 2] = np.nan
    elif kind == "constant":
        stack[...] = 5.0
    elif kind == "frozen":
        stack[...] = stack[0]
    elif kind == "zero_f0":
        stack[:, :8] = 0
    elif kind == "overflow":
        stack[:] = 1.0
        stack[20, ::2] = 1e6
    return stack


@pytest.mark.parametrize(
    ("kind", "check", "text"),
    [
        ("nonfinite", "neural.nonfinite", r"4 of 40 frames \(10.0%\).*first at 5, 6"),
        ("constant", "neural.constant", "every frame is constant"),
        ("frozen", "neural.constant", "all valid frames are the same image"),
        (
            "zero_f0",
            "neural.zero_f0",
            r"50.0% of pixels have.*preprocessing.dff.offset",
        ),
        ("overflow", "neural.overflow", r"beyond 65504 %, more than 0.01%"),
    ],
)
def test_bad_images_are_refused_by_name_and_can_be_accepted(
    tmp_path, rng, kind, check, text
):
    data = recording(broken(rng, kind))
    if kind == "overflow":
        data.streams["neural"].data[20, 0, 0] = 2.0
        data.streams["neural"].data[:, 0, 0] += np.arange(40) / 100
    with pytest.raises(DataError, match=rf"(?s)'fly1_001'.*{text}.*\[{check}\]"):
        preprocess_recording(data, RAW, tmp_path / "r")
    assert not (tmp_path / "r").exists()
    accept = {check, "neural.zero_f0", "neural.constant", "neural.overflow"}
    preprocess_recording(data, RAW, tmp_path / "r", accept=accept)
    valid = cache_of(tmp_path / "r").valid
    assert np.isfinite(cache_of(tmp_path / "r").data[valid]).all()
    assert check in read_provenance(tmp_path / "r")["accepted"]


def test_frames_that_cannot_be_aligned_are_named(tmp_path, rng):
    noise = recording(counts(rng, 30, (32, 32)))
    with pytest.raises(DataError, match=r"could not be aligned.*\[neural.unaligned\]"):
        preprocess_recording(noise, PreprocessingOptions(), tmp_path / "r")


def test_a_recording_shorter_than_the_window_names_both_lengths(tmp_path, rng):
    with pytest.raises(DataError, match=r"has 14 neural frames, but at least 15"):
        preprocess_recording(
            recording(counts(rng, 14)), PreprocessingOptions(), tmp_path / "r"
        )
    gappy = np.arange(40) % 10 != 0
    with pytest.raises(DataError, match=r"'fly1_001'.*no 15 valid frames in a row"):
        preprocess_recording(
            recording(counts(rng, 40), valid=gappy),
            PreprocessingOptions(registration=STILL),
            tmp_path / "r",
        )


@pytest.mark.parametrize("shape", [(20, 16), (20, 4, 5, 16, 16)])
def test_data_that_are_no_image_stack_are_refused(tmp_path, rng, shape):
    data = recording(rng.normal(size=shape))
    with pytest.raises(DataError, match=r"must be \(time, y, x\) or"):
        preprocess_recording(data, RAW, tmp_path / "r")


def test_two_neural_streams_or_none_at_all_are_refused(tmp_path, rng):
    stream = recording(counts(rng)).streams["neural"]
    two = Recording("r2", "a", {"red": stream, "green": stream})
    with pytest.raises(DataError, match=r"2 neural streams \(red, green\)"):
        preprocess_recording(two, RAW, tmp_path / "r")
    with pytest.raises(DataError, match="nothing to prepare"):
        preprocess_recording(Recording("r3", "a", {}), RAW, tmp_path / "r")


def test_a_recording_of_traces_poses_and_scalars_needs_no_images(tmp_path, rng):
    clock = TimeAxis(50, rate_hz=3.0)
    streams = {
        "trace": Stream("trace", rng.normal(size=(50, 7)), clock),
        "pose": Stream("pose", rng.normal(size=(50, 4, 3)), clock),
        "speed": Stream("scalar", rng.normal(size=(50, 1)), clock),
    }
    done = preprocess_recording(Recording("w", "worm", streams), RAW, tmp_path / "w")
    found = read_derived(tmp_path / "w", id="w", animal="worm").streams
    assert {n: s.data.shape[1] for n, s in found.items()} == {
        "trace": 7,
        "pose": 12,
        "speed": 1,
    }
    assert set(done["streams"]) == set(streams)
    assert read_mask(tmp_path / "w") is None


def test_provenance_tells_options_sources_steps_and_versions(tmp_path, rng):
    sources = {"neural": {"sha256": "ab", "bytes": 12}}
    given = {"sources": sources, "command": "neuroembed preprocess"}
    preprocess_recording(recording(counts(rng)), RAW, tmp_path / "r", provenance=given)
    kept = read_provenance(tmp_path / "r")
    assert kept["sources"] == sources
    assert kept["given"] == {"command": "neuroembed preprocess"}
    assert kept["options"]["dff"]["window_frames"] == 5
    assert kept["steps"]["neural"]["dff"]["zero_f0_pixels"] == 0
    assert kept["versions"]["numpy"] == np.__version__


def test_a_folder_is_current_only_for_its_options_and_sources(tmp_path, rng):
    folder, sources = tmp_path / "r", {"neural": {"sha256": "ab"}}
    assert not is_current(folder, RAW, sources)
    preprocess_recording(
        recording(counts(rng)), RAW, folder, provenance={"sources": sources}
    )
    assert is_current(folder, RAW, sources)
    assert not is_current(folder, PreprocessingOptions(), sources)
    assert not is_current(folder, RAW, {"neural": {"sha256": "cd"}})
    with (folder / "neural.tif").open("ab") as file:
        file.write(b"x")
    assert not is_current(folder, RAW, sources)


def cancel_at(wanted):
    """Return a report that asks to stop when a stage is reached."""

    def report(stage, done, total, message=""):
        if stage == wanted:
            raise Cancelled

    return report


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ("registration", []),
        ("baseline", ["registration"]),
        ("images", ["registration", "baseline"]),
    ],
)
def test_cancelled_work_leaves_no_folder_and_keeps_finished_stages(
    tmp_path, rng, stage, kept
):
    data = recording(drifting(rng))
    options = PreprocessingOptions(dff=DffOptions(window_frames=5))
    with pytest.raises(Cancelled):
        preprocess_recording(data, options, tmp_path / "r", report=cancel_at(stage))
    assert [p.name for p in tmp_path.iterdir()] == [".work"]
    done = preprocess_recording(data, options, tmp_path / "r")
    assert done["resumed"] == kept


def test_a_stage_is_made_again_only_when_what_it_depends_on_changed(tmp_path, rng):
    stack = drifting(rng)
    data, folder = recording(stack), tmp_path / "r"
    options = PreprocessingOptions(dff=DffOptions(window_frames=5))
    longer = PreprocessingOptions(dff=DffOptions(window_frames=7))
    larger = PreprocessingOptions(
        dff=DffOptions(window_frames=7, blur_px=1.0), resize=ResizeOptions(height=32)
    )
    assert preprocess_recording(data, options, folder)["resumed"] == []
    both = ["registration", "baseline"]
    assert preprocess_recording(data, options, folder)["resumed"] == both
    assert preprocess_recording(data, longer, folder)["resumed"] == both[:1]
    assert preprocess_recording(data, larger, folder)["resumed"] == both
    changed = recording(stack + 1)
    assert preprocess_recording(changed, larger, folder)["resumed"] == []


def test_a_cancelled_second_run_leaves_the_first_result_untouched(tmp_path, rng):
    data, folder = recording(counts(rng)), tmp_path / "r"
    preprocess_recording(data, RAW, folder)
    before = np.array(cache_of(folder).data)
    other = PreprocessingOptions(registration=STILL)
    with pytest.raises(Cancelled):
        preprocess_recording(data, other, folder, report=cancel_at("images"))
    np.testing.assert_array_equal(cache_of(folder).data, before)
    assert is_current(folder, RAW, {})


def test_a_disk_too_small_is_told_before_any_work(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("napari_neuroembed.disk.free_bytes", lambda _: 10)
    text = r"test_a_disk.*: [\d,]+ bytes are needed, but only 10 are free"
    with pytest.raises(DiskError, match=text):
        preprocess_recording(recording(counts(rng)), RAW, tmp_path / "r")
    assert not list(tmp_path.iterdir())


def test_the_real_mouse_movie_is_steadied(tmp_path, shared_data, rng):
    path = shared_data("mouse2p_neurofinder600") / "crop160_600f.tif"
    stack = tifffile.imread(path)[:150]
    done = preprocess_recording(
        recording(stack), PreprocessingOptions(), tmp_path / "r"
    )
    facts = done["streams"]["neural"]
    assert facts["valid_frames"] == 150
    assert facts["registration"]["largest_shift_px"] < 4
    quality = pd.read_parquet(tmp_path / "r" / "quality.parquet")
    shifts = quality[["shift_y", "shift_x"]].to_numpy()
    # the same blur by bilinear sampling, but the motion of other frames
    control = [shift_frames(stack, rng.permutation(shifts)) for _ in range(5)]
    steady = sharpness(shift_frames(stack, shifts))
    assert steady > max(sharpness(frames) for frames in control)


def sharpness(frames):
    """Return the gradient energy of the mean image: it falls with motion."""
    gradients = np.gradient(frames[:, 4:-4, 4:-4].mean(axis=0))
    return float(sum((g**2).mean() for g in gradients))


def test_the_real_fly_is_aligned_by_its_second_channel(tmp_path, shared_data):
    folder = shared_data("fly2p_vnc_chen2018")
    files = [folder / "GC6s.tif", folder / "tdTom.tif"]
    both = np.stack([tifffile.imread(f) for f in files], axis=1)
    options = PreprocessingOptions(dff=DffOptions(window_frames=5))
    data = recording(both, names=("functional", "anatomical"))
    done = preprocess_recording(data, options, tmp_path / "r")
    facts = done["streams"]["neural"]["registration"]
    assert facts["estimated_on"] == "anatomical"
    assert 2 < facts["largest_shift_px"] < 6
