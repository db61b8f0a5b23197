"""The derived folder and its stacks."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_neuroembed.data.derived import (
    from_ranges,
    read_derived,
    read_mask,
    read_provenance,
    to_ranges,
    write_array,
    write_derived_stream,
)
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.data.stacks import (
    as_dask,
    create_stack,
    read_stack,
    release,
    stack_bytes,
)
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import write_folder, write_json


def make(folder, rng):
    frames = rng.normal(size=(20, 8, 9)).astype(np.float32)
    valid = np.arange(20) % 7 != 0
    clock = TimeAxis(20, start_s=1.5, rate_hz=16.0)
    speed = Stream(
        "scalar",
        rng.normal(size=(5, 2)),
        TimeAxis(5, times_s=np.array([0.0, 1.0, 2.5, 3.0, 4.0])),
        names=("speed", "turn"),
        units="mm/s",
        facts={"file": "speed.csv", "n": np.int64(3), "bad": np.nan},
    )
    with write_folder(folder) as build:
        stack = create_stack(build / "neural.tif", frames.shape)
        stack[:] = frames
        stack.flush()
        neural = Stream("neural", frames, clock, valid, units="dff_percent")
        write_derived_stream(build, "green", neural)
        write_derived_stream(build, "speed", speed)
        write_array(build / "mask.npy", np.ones((8, 9), dtype=bool))
        write_json(build / "provenance.json", {"schema_version": 1})
    return frames, valid, speed


def test_what_was_written_is_read_back_from_the_disk(tmp_path, rng):
    frames, valid, speed = make(tmp_path / "r1", rng)
    recording = read_derived(tmp_path / "r1", id="r1", animal="fly1")
    assert set(recording.streams) == {"green", "speed"}
    neural, scalar = recording.streams["green"], recording.streams["speed"]
    assert isinstance(neural.data, np.memmap)
    assert isinstance(scalar.data, np.memmap)
    np.testing.assert_array_equal(neural.data, frames)
    np.testing.assert_array_equal(neural.valid, valid)
    assert (neural.time.start_s, neural.time.rate_hz) == (1.5, 16.0)
    np.testing.assert_array_equal(scalar.time.times_s, speed.time.times_s)
    np.testing.assert_allclose(scalar.data, speed.data, rtol=1e-6)
    assert scalar.names == ("speed", "turn")
    assert scalar.facts["n"] == 3
    assert scalar.facts["bad"] is None
    assert neural.facts["mask"].endswith("mask.npy")
    mask = read_mask(tmp_path / "r1")
    assert mask is not None
    assert mask.all()


def test_another_program_sees_all_frames_of_the_stack(tmp_path, rng):
    frames, _, _ = make(tmp_path / "r1", rng)
    with tifffile.TiffFile(tmp_path / "r1" / "neural.tif") as tiff:
        assert tiff.is_bigtiff
        assert len(tiff.pages) == 20
        assert tiff.series[0].axes == "TYX"
        np.testing.assert_array_equal(tiff.pages[13].asarray(), frames[13])


def test_a_folder_that_is_missing_cut_or_newer_is_refused(tmp_path, rng):
    folder = tmp_path / "r1"
    with pytest.raises(DataError, match=r"'r1' is not prepared.*neuroembed preprocess"):
        read_derived(folder, id="r1", animal="a")
    make(folder, rng)
    with (folder / "neural.tif").open("rb+") as file:
        file.truncate(file.seek(0, 2) - 1)
    with pytest.raises(DataError, match=r"neural.tif: expected \d+ bytes, found \d+"):
        read_derived(folder, id="r1", animal="a")
    write_json(folder / "provenance.json", {"schema_version": 99})
    with pytest.raises(DataError, match="up to 1, found 99"):
        read_provenance(folder)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_stack_is_refused_although_its_header_is_whole(tmp_path, share):
    path = tmp_path / "a.tif"
    create_stack(path, (10, 64, 64))[:] = 1
    with path.open("rb+") as file:
        file.truncate(int(path.stat().st_size * share))
    with pytest.raises(DataError, match=r"a\.tif"):
        read_stack(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_foreign_tiffs_are_not_taken_for_stacks(tmp_path):
    pages = tmp_path / "pages.tif"
    with tifffile.TiffWriter(pages) as writer:
        for i in range(5):
            writer.write(np.full((8, 8), i, dtype=np.float32))
    with pytest.raises(DataError, match="expected one contiguous series"):
        read_stack(pages)
    packed = tmp_path / "packed.tif"
    tifffile.imwrite(
        packed,
        np.zeros((5, 8, 8), dtype=np.float32),
        compression="zlib",
        metadata={"axes": "TYX"},
    )
    with pytest.raises(DataError, match="not in one piece"):
        read_stack(packed)
    (tmp_path / "text.tif").write_bytes(b"not a tiff at all")
    with pytest.raises(DataError, match="not readable as TIFF"):
        read_stack(tmp_path / "text.tif")
    with pytest.raises(DataError, match="is missing"):
        read_stack(tmp_path / "none.tif")


def test_the_size_of_a_stack_is_known_before_it_is_made(tmp_path):
    create_stack(tmp_path / "a.tif", (300, 16, 16))
    size = (tmp_path / "a.tif").stat().st_size
    assert size <= stack_bytes((300, 16, 16)) < 1.6 * size


def test_one_image_is_no_stack(tmp_path):
    with pytest.raises(DataError, match="at least two frames"):
        create_stack(tmp_path / "a.tif", (1, 8, 8))


def test_a_full_disk_is_an_error_before_any_frame_is_written(tmp_path):
    code = """
    import resource, sys
    from pathlib import Path
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    from napari_neuroembed.data.stacks import create_stack
    try:
        create_stack(Path(sys.argv[1]), (100, 64, 64))
    except OSError as error:
        print("refused", error.errno)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "a.tif")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused")


def test_a_stack_can_be_looked_at_lazily(rng):
    frames = rng.normal(size=(10, 4, 4))
    lazy = as_dask(frames, chunk_frames=3)
    assert lazy.chunks[0] == (3, 3, 3, 1)
    np.testing.assert_array_equal(lazy[4].compute(), frames[4])


@pytest.mark.parametrize("flags", [[], [True], [False, True, True, False, True]])
def test_ranges_and_flags_are_two_forms_of_one_thing(flags):
    flags = np.array(flags, dtype=bool)
    np.testing.assert_array_equal(from_ranges(to_ranges(flags), len(flags)), flags)


def test_streams_that_cannot_be_stored_are_refused(tmp_path, rng):
    clock = TimeAxis(3, rate_hz=1.0)
    flat = Stream("scalar", rng.normal(size=(3, 1)), clock)
    with pytest.raises(DataError, match="cannot be a file name"):
        write_derived_stream(tmp_path, "../x", flat)
    with pytest.raises(DataError, match="cannot be a file name"):
        write_derived_stream(tmp_path, "provenance", flat)
    cube = Stream("pose", rng.normal(size=(3, 2, 2)), clock)
    with pytest.raises(DataError, match=r"\(time, feature\), found shape"):
        write_derived_stream(tmp_path, "pose", cube)


def resident_file_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(1024 * int(x.split()[1]) for x in lines if x.startswith("RssFile"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_released_memory_is_given_back_and_what_was_written_stays(tmp_path):
    stack = create_stack(tmp_path / "stack.tif", (400, 128, 128))
    before = resident_file_bytes()
    stack[:] = np.arange(400, dtype=np.float32)[:, None, None]
    assert resident_file_bytes() - before > 0.9 * stack.nbytes
    release(stack)
    assert resident_file_bytes() - before < 0.1 * stack.nbytes
    np.testing.assert_array_equal(stack[:, 5, 5], np.arange(400))
    release(stack)
    np.testing.assert_array_equal(
        read_stack(tmp_path / "stack.tif")[:, 0, 0], stack[:, 1, 1]
    )


def test_changes_that_are_not_those_of_the_file_are_not_released(tmp_path):
    np.save(tmp_path / "stack.npy", np.zeros((4, 8, 8)))
    private = np.load(tmp_path / "stack.npy", mmap_mode="c")
    private[:] = 7
    release(private)
    release(np.zeros(3))
    release(None)
    assert (private == 7).all()
