"""What every reader owes: a good file opens, a bad one gets the stated message."""

from __future__ import annotations

import dataclasses
import json
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.fixtures import prairie_files, scanimage_files, thor_files
from tests.data.fixtures.hdf5_files import (
    dlc_labels,
    write_caiman,
    write_dlc_h5,
    write_sleap,
)
from tests.data.fixtures.stack_files import movie, write_shaped
from tests.data.fixtures.table_files import write_dlc, write_suite2p
from tests.data.fixtures.video_files import write_clip

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers import READERS, find_reader, get_reader
from napari_neuroembed.data.readers.base import Description, Source
from napari_neuroembed.data.recording import KINDS
from napari_neuroembed.errors import ConfigError, DataError

N = 40


@dataclass(frozen=True)
class Case:
    """How to make a good file and what its reader says of bad ones."""

    make: Callable[[Path], Path]
    shape: tuple[int, ...]
    truncated: str
    wrong: str
    has_rate: bool = False
    damage: Callable[[Path], Path] = lambda path: path
    options: dict[str, Any] = field(default_factory=dict)


def values(*shape: int) -> Any:
    return np.random.default_rng(1).normal(size=shape)


def tiff(folder: Path) -> Path:
    write_shaped(folder / "a.tif", movie(N))
    return folder / "a.tif"


def tiff_folder(folder: Path) -> Path:
    (folder / "frames").mkdir()
    for i, frame in enumerate(movie(N)):
        write_shaped(folder / "frames" / f"f{i}.tif", frame)
    return folder / "frames"


def scanimage(folder: Path) -> Path:
    scan = scanimage_files.Scan(frames=scanimage_files.movie(N))
    return scanimage_files.write_scanimage(folder / "a_00001.tif", scan)


def prairie(folder: Path) -> Path:
    series = prairie_files.Series(frames=prairie_files.movie(N))
    return prairie_files.write_prairie(folder / "a", series)


def prairie_voltage(folder: Path) -> Path:
    start_s = prairie_files.START_S
    series = prairie_files.Series(frames=prairie_files.movie(4), voltage_s=start_s)
    prairie_files.write_prairie(folder / "a", series)
    return prairie_files.write_voltage(folder / "a", values(N, 3), 1000.0)


def thor_raw(folder: Path) -> Path:
    return thor_files.write_raw(folder / "001", thor_files.thor_stack(N, c=1))


def thor_tiff(folder: Path) -> Path:
    return thor_files.write_tiffs(folder / "001", thor_files.thor_stack(N, c=1))


def thor_flow(folder: Path) -> Path:
    thor_files.write_flow(folder / "OptFlow.txt", N, n_at_end=0)
    return folder / "OptFlow.txt"


def video(folder: Path) -> Path:
    write_clip(folder / "a.avi", N)
    return folder / "a.avi"


def npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", pose=values(N, 4, 2))
    return folder / "a.npz"


def npy(folder: Path) -> Path:
    np.save(folder / "a.npy", values(N, 4))
    return folder / "a.npy"


def csv(folder: Path) -> Path:
    rows = [",".join(f"{v:.9g}" for v in row) for row in values(N, 4)]
    (folder / "a.csv").write_text("\n".join(["a,b,c,d", *rows]))
    return folder / "a.csv"


def json_list(folder: Path) -> Path:
    signal = {"name": "speed", "value": values(N).tolist(), "unit": "cm/s"}
    (folder / "a.json").write_text(json.dumps([signal]))
    return folder / "a.json"


def deeplabcut(folder: Path) -> Path:
    write_dlc(folder / "a.csv", values(N, 6), ["nose", "tail"])
    return folder / "a.csv"


def suite2p(folder: Path) -> Path:
    f = values(5, N).astype(np.float32)
    return write_suite2p(folder, f, f / 2, np.ones(5), {"fs": 12.5})


def deeplabcut_h5(folder: Path) -> Path:
    labels = dlc_labels(["nose", "tail"])
    return write_dlc_h5(folder / "a.h5", values(N, 6), labels)


def sleap(folder: Path) -> Path:
    return write_sleap(folder / "a.h5", values(N, 1, 3, 2), ["nose", "back", "tail"])


def df3d(folder: Path) -> Path:
    legs = {f"{leg}_leg": values(N, 5, 3) for leg in ("RF", "LF")}
    (folder / "a.pkl").write_bytes(pickle.dumps(legs))
    return folder / "a.pkl"


def mc2p(folder: Path) -> Path:
    frames = values(N, 64, 64).astype("<f4")
    frames.tofile(folder / "2p_dff_resized.mm")
    return folder / "2p_dff_resized.mm"


def caiman(folder: Path) -> Path:
    images = np.zeros((5, 8, 9))
    images[range(5), range(5), range(5)] = 1
    return write_caiman(folder / "a.hdf5", values(5, N), images, fr=12.5)


def cut(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.6)])
    return path


def cut_bytes(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.6) + 7])
    return path


def cut_end(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.85)])
    return path


def cut_middle_frame(path: Path) -> Path:
    cut(path / "f20.tif")
    return path


def cut_ome_frame(path: Path) -> Path:
    frame = path / "a_Cycle00001_Ch1_000021.ome.tif"
    frame.write_bytes(frame.read_bytes()[:-300])
    return path


def cut_raw(path: Path) -> Path:
    raw = path / "Image_0001_0001.raw"
    raw.write_bytes(raw.read_bytes()[:-1])
    return path


def cut_thor_frame(path: Path) -> Path:
    frame = path / "ChanA_0001_0001_0001_0021.tif"
    frame.write_bytes(frame.read_bytes()[:-500])
    return path


def cut_table(path: Path) -> Path:
    """Leave a last line with too many cells, as a torn write does."""
    content = path.read_text()
    path.write_text(content[: int(len(content) * 0.6)] + ",1,2,3,4,5,6,7,8,9")
    return path


def cut_traces(path: Path) -> Path:
    cut(path / "plane0" / "F.npy")
    return path


CASES = {
    "tiff": Case(tiff, (N, 24, 40), "last complete frame is", "is no TIFF", damage=cut),
    "tiff_folder": Case(
        tiff_folder,
        (N, 24, 40),
        "frame 20 of 40 is not whole",
        "is no folder",
        damage=cut_middle_frame,
    ),
    "scanimage": Case(
        scanimage,
        (N, 12, 20),
        "last complete frame is",
        "is no TIFF",
        has_rate=True,
        damage=cut,
    ),
    "prairie": Case(
        prairie,
        (N, 12, 20),
        "frame 20 of 40 is not whole",
        "is no folder",
        has_rate=True,
        damage=cut_ome_frame,
    ),
    "prairie_voltage": Case(
        prairie_voltage,
        (N, 3),
        "no regular table",
        "zero bytes",
        has_rate=True,
        damage=cut_table,
    ),
    "thor_raw": Case(
        thor_raw,
        (N, 6, 8),
        "3,839 bytes were found",
        "expected a folder with Experiment.xml",
        has_rate=True,
        damage=cut_raw,
    ),
    "thor_tiff": Case(
        thor_tiff,
        (N, 6, 8),
        "ChanA_0001_0001_0001_0021.tif: no page can be read",
        "expected a folder with Experiment.xml",
        has_rate=True,
        damage=cut_thor_frame,
    ),
    "thor_flow": Case(
        thor_flow,
        (N, 4),
        "expected five whole numbers",
        "expected rows of five whole numbers",
        damage=cut_table,
    ),
    "video": Case(
        video,
        (N, 48, 192, 3),
        r"40 frames are declared, \d+ are readable; the first bad one is frame \d+",
        "cannot be opened as a video",
        has_rate=True,
        damage=cut_end,
    ),
    "npz": Case(npz, (N, 4, 2), "cut or damaged", "cannot be read as npz", damage=cut),
    "npy": Case(npy, (N, 4), "last complete frame is", "no NumPy array", damage=cut),
    "csv": Case(csv, (N, 4), "no regular table", "zero bytes", damage=cut_table),
    "json": Case(json_list, (N, 1), "cut or damaged", "JSON", damage=cut),
    "deeplabcut": Case(
        deeplabcut, (N, 2, 2), "no regular table", "zero bytes", damage=cut_table
    ),
    "deeplabcut_h5": Case(
        deeplabcut_h5, (N, 2, 2), "damaged or no HDF5", "no HDF5 file", damage=cut
    ),
    "sleap": Case(sleap, (N, 3, 2), "damaged or no HDF5", "no HDF5 file", damage=cut),
    "df3d": Case(df3d, (N, 10, 3), "damaged or no pickle", "no pickle", damage=cut),
    "caiman": Case(caiman, (N, 5), "damaged or no HDF5", "no HDF5 file", damage=cut),
    "mc2p": Case(
        mc2p,
        (N, 64, 64),
        r"not a multiple of 16,384 \(one 64x64 float32 frame\): 24 whole frames",
        "none of the MC2P data set",
        damage=cut_bytes,
    ),
    "suite2p": Case(
        suite2p,
        (N, 5),
        "expected a whole table",
        "expected a suite2p folder",
        has_rate=True,
        damage=cut_traces,
    ),
}


@pytest.fixture(params=CASES)
def name(request):
    return request.param


def read(name, path, rate_hz=10.0, **settings):
    source = Source((path,))
    return READERS[name].read(source, CASES[name].options, rate_hz=rate_hz, **settings)


def test_every_reader_has_a_case():
    assert set(CASES) == set(READERS)


def test_names_kinds_and_options_are_stated(name):
    reader = READERS[name]
    assert reader.name == name
    assert reader.kinds
    assert set(reader.kinds) <= set(KINDS)
    assert dataclasses.is_dataclass(reader.options)
    assert reader.options() == reader.options()


def test_a_good_file_is_known_described_and_read(name, tmp_path):
    path = CASES[name].make(tmp_path)
    source = Source((path,))
    reader = READERS[name]
    assert find_reader(source, reader.kinds).name == name
    found = reader.describe(source, {})
    assert isinstance(found, Description)
    assert found.shape == CASES[name].shape
    assert [p for p in found.problems if p.severity == "error"] == []
    assert (found.rate_hz is not None) == CASES[name].has_rate
    assert bool(found.rate_origin) == CASES[name].has_rate
    json.dumps(dict(found.facts))
    rate = None if CASES[name].has_rate else 10.0
    ((kind, stream),) = read(name, path, rate_hz=rate).items()
    assert kind == stream.kind == found.kind
    assert stream.data.shape == found.shape
    assert np.dtype(stream.data.dtype).name == found.dtype
    assert stream.time.start_s == pytest.approx(0.0, abs=1e-9)
    assert stream.valid.all()
    assert stream.facts["rate_origin"]


def test_frames_are_read_by_number_slice_and_list(name, tmp_path):
    rate = None if CASES[name].has_rate else 10.0
    (stream,) = read(name, CASES[name].make(tmp_path), rate_hz=rate).values()
    whole = np.asarray(stream.data[:])
    assert whole.dtype == stream.data.dtype
    np.testing.assert_array_equal(stream.data[7], whole[7])
    np.testing.assert_array_equal(stream.data[5:30:4], whole[5:30:4])
    np.testing.assert_array_equal(stream.data[[9, 2, 2]], whole[[9, 2, 2]])


def test_lazy_data_can_be_sent_to_another_process(name, tmp_path):
    path = CASES[name].make(tmp_path)
    rate = None if CASES[name].has_rate else 10.0
    (stream,) = read(name, path, rate_hz=rate).values()
    copy = pickle.loads(pickle.dumps(stream.data))
    np.testing.assert_array_equal(copy[3], stream.data[3])


def test_the_file_is_not_changed(name, tmp_path):
    path = CASES[name].make(tmp_path)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    before = {p: p.read_bytes() for p in files}
    read(name, path, rate_hz=None if CASES[name].has_rate else 10.0)
    assert {p: p.read_bytes() for p in files} == before
    after = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    assert sorted(after) == sorted(files)


@pytest.mark.parametrize("name", [n for n in CASES if not CASES[n].has_rate])
def test_no_rate_is_asked_for_with_both_ways_to_give_it(name, tmp_path):
    path = CASES[name].make(tmp_path)
    with pytest.raises(
        DataError, match=rf"{path.name}.* holds {N} frames but no .*--rate.*--sync"
    ):
        read(name, path, rate_hz=None)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_must_be_above_zero(name, rate, tmp_path):
    with pytest.raises(DataError, match=r"rate"):
        read(name, CASES[name].make(tmp_path), rate_hz=rate)


def test_a_truncated_file_gets_its_message(name, tmp_path):
    path = CASES[name].damage(CASES[name].make(tmp_path))
    with pytest.raises(DataError, match=CASES[name].truncated) as caught:
        read(name, path, rate_hz=None if CASES[name].has_rate else 10.0)
    assert "[" in str(caught.value)


def test_a_wrong_file_gets_its_message(name, tmp_path):
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"\x07\x00 not what was expected \xff" * 40)
    confidence, why = READERS[name].sniff(Source((wrong,)))
    assert confidence < 0.3
    assert why
    with pytest.raises(DataError, match=CASES[name].wrong) as caught:
        read(name, wrong)
    assert "wrong.bin" in str(caught.value)


def test_an_unknown_option_is_refused_with_the_known_ones(name, tmp_path):
    path = CASES[name].make(tmp_path)
    with pytest.raises(ConfigError, match=r"no_such_thing is not an option"):
        READERS[name].describe(Source((path,)), {"no_such_thing": 1})


def test_the_kind_may_always_be_said_and_must_be_possible(name, tmp_path):
    path = CASES[name].make(tmp_path)
    kind = READERS[name].describe(Source((path,)), {}).kind
    assert READERS[name].describe(Source((path,)), {"kind": kind}).kind == kind
    other = next(k for k in KINDS if k not in READERS[name].kinds)
    with pytest.raises(DataError, match=f"not {other}"):
        READERS[name].describe(Source((path,)), {"kind": other})


@pytest.mark.parametrize("name", ["npz", "npy", "json", "csv", "deeplabcut"])
def test_missing_values_are_marked_and_counted(name, tmp_path):
    path = CASES[name].make(tmp_path)
    if name == "npz":
        pose = values(N, 4, 2)
        pose[7] = np.nan
        np.savez(path, pose=pose)
    elif name == "npy":
        traces = values(N, 4)
        traces[7] = np.inf
        np.save(path, traces)
    elif name == "json":
        content = json.loads(path.read_text())
        content[0]["value"][7] = None
        path.write_text(json.dumps(content))
    else:
        lines = path.read_text().splitlines()
        at = 8 if name == "csv" else 10
        cells = lines[at].split(",")
        kept = cells[:1] if name == "deeplabcut" else [""]
        lines[at] = ",".join(kept + [""] * (len(cells) - 1))
        path.write_text("\n".join(lines))
    (stream,) = read(name, path).values()
    assert np.flatnonzero(~stream.valid).tolist() == [7]
    assert any("1 of 40 frames have missing values" in n for n in stream.facts["notes"])
    problems = READERS[name].describe(Source((path,)), {}).problems
    assert [(p.id, p.severity) for p in problems] == [("signal.not_finite", "warning")]


def test_describing_takes_less_than_a_second(name, tmp_path):
    path = CASES[name].make(tmp_path)
    READERS[name].describe(Source((path,)), {})
    start = time.process_time()
    READERS[name].describe(Source((path,)), {})
    assert time.process_time() - start < 1.0


def test_a_problem_keeps_its_words(tmp_path):
    write_shaped(tmp_path / "a.tif", movie(1)[0])
    (problem,) = READERS["tiff"].describe(Source((tmp_path / "a.tif",)), {}).problems
    assert isinstance(problem, Problem)
    assert (problem.id, problem.severity) == ("tiff.one_frame", "error")


def test_an_unknown_source_lists_what_was_tried(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"\0\1\2\3" * 10)
    with pytest.raises(DataError, match=r"no reader can open this as neural.*tiff: "):
        find_reader(Source((tmp_path / "a.xyz",)), ("neural",))


def test_a_tie_lists_the_readers_and_asks(tmp_path, monkeypatch):
    path = npy(tmp_path)
    from napari_neuroembed.data.readers.npz import NpzReader

    monkeypatch.setattr(NpzReader, "sniff", lambda *_: (0.85, "looks so"))
    with pytest.raises(DataError, match=r"2 readers could open this: npy .*npz.*Say"):
        find_reader(Source((path,)))


def test_readers_are_found_by_name_or_dotted_path():
    assert get_reader("npz").name == "npz"
    place = "napari_neuroembed.data.readers.npz:NpzReader"
    assert get_reader(place).name == "npz"
    with pytest.raises(ConfigError, match=r"Unknown reader 'tif'. Known: tiff, "):
        get_reader("tif")
    with pytest.raises(ConfigError, match="cannot be imported"):
        get_reader("no.such.module:Reader")


def test_a_missing_path_says_to_check_the_drive(tmp_path):
    with pytest.raises(DataError, match=r"no such file.*drive is mounted"):
        Source.find(tmp_path / "*.tif")
