"""Regions of suite2p and CaImAn: traces with the pixels they come from."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from tests.data.fixtures.hdf5_files import write_caiman
from tests.data.fixtures.table_files import (
    Evil,
    regions_of,
    save_object,
    write_suite2p,
)

from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.errors import DataError

SHAPE = (9, 12)


def read(reader, path, rate_hz=None, accept=(), **options):
    source = Source((path,))
    (stream,) = (
        READERS[reader]
        .read(source, options, rate_hz=rate_hz, accept=frozenset(accept))
        .values()
    )
    return stream


@pytest.fixture
def images(rng):
    """Five regions that overlap here and there, each with a weight per pixel."""
    weights = rng.random((5, *SHAPE)) + 0.1
    weights[rng.random((5, *SHAPE)) < 0.7] = 0
    return weights.astype(np.float32)


def dense(stream):
    footprints = stream.footprints
    return np.stack([footprints.to_dense(i) for i in range(len(footprints))])


class TestSuite2p:
    CELLS = np.array([1.0, 0, 1, 1, 0])
    OPS = {"fs": 15.5, "Ly": SHAPE[0], "Lx": SHAPE[1]}  # noqa: RUF012

    @pytest.fixture
    def f(self, rng):
        return rng.random((5, 40), dtype=np.float32) * 100

    def test_the_pixels_of_the_cells_come_with_their_traces(self, f, images, tmp_path):
        stat = regions_of(images)
        folder = write_suite2p(tmp_path, f, f / 2, self.CELLS, self.OPS, stat=stat)
        stream = read("suite2p", folder)
        assert stream.names == ("roi0", "roi2", "roi3")
        np.testing.assert_array_equal(dense(stream), images[[0, 2, 3]])
        shared = (images != 0).sum(axis=0) > 1
        footprints = stream.footprints
        expected = shared[footprints.y, footprints.x]
        np.testing.assert_array_equal(footprints.overlap, expected)
        assert stream.footprints.centers()[1].tolist() == pytest.approx(
            np.median(np.argwhere(images[2]), axis=0).tolist()
        )
        whole = read("suite2p", folder, all_rois=True)
        np.testing.assert_array_equal(dense(whole), images)
        assert any("3 of 5 regions" in note for note in stream.facts["notes"])

    def test_without_pixels_the_traces_come_alone_and_say_why(
        self, f, images, tmp_path
    ):
        folder = write_suite2p(tmp_path / "a", f, f / 2, self.CELLS, self.OPS)
        stream = read("suite2p", folder)
        assert stream.footprints is None
        assert any("stat.npy is missing" in note for note in stream.facts["notes"])
        stat = regions_of(images)
        only_rate = {"fs": 15.5}
        folder = write_suite2p(
            tmp_path / "b", f, f / 2, self.CELLS, only_rate, stat=stat
        )
        stream = read("suite2p", folder)
        assert stream.footprints is None
        assert any("size of the image (Ly, Lx)" in n for n in stream.facts["notes"])

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s[1]["ypix"].__setitem__(0, 9), r"outside .* row 9 of 9"),
            (lambda s: s[1]["xpix"].__setitem__(0, -1), r"outside .* column -1 of 12"),
            (lambda s: s[1]["lam"].__setitem__(0, np.inf), r"1 of .* are not finite"),
            (lambda s: s[1].update(lam=s[1]["lam"][1:]), r"region 1 has \d+ rows"),
            (lambda s: s[2].pop("ypix"), r"region 2 has no lists of numbers ypix"),
            (lambda s: s.__setitem__(3, "text"), r"region 3 has no lists of numbers"),
            (lambda s: s.pop(), r"describes 4 regions, but there are 5 traces"),
        ],
    )
    def test_broken_pixels_are_refused_and_can_be_left_out(
        self, change, words, f, images, tmp_path
    ):
        stat = regions_of(images)
        change(stat)
        folder = write_suite2p(tmp_path, f, f / 2, self.CELLS, self.OPS, stat=stat)
        with pytest.raises(DataError, match=words + r".*\[footprints.invalid\]"):
            read("suite2p", folder)
        stream = read("suite2p", folder, accept=["footprints.invalid"])
        assert stream.footprints is None
        assert stream.data.shape == (40, 3)

    def test_pixels_that_could_run_code_are_refused(self, f, tmp_path):
        canary = tmp_path / "canary"
        stat = [{"ypix": Evil(canary)}] * 5
        folder = write_suite2p(tmp_path, f, f / 2, self.CELLS, self.OPS, stat=stat)
        with pytest.raises(DataError, match=r"stat.npy asks to load"):
            read("suite2p", folder)
        assert not canary.exists()

    def test_the_settings_of_version_one_say_rate_and_size(self, f, images, tmp_path):
        stat = regions_of(images)
        folder = write_suite2p(tmp_path, f, f / 2, self.CELLS, None, stat=stat)
        with pytest.raises(DataError, match="40 frames but no frame rate"):
            read("suite2p", folder)
        save_object(folder / "plane0" / "settings.npy", {"fs": 7.5, "run": {"x": 1}})
        save_object(folder / "plane0" / "db.npy", {"Ly": SHAPE[0], "Lx": SHAPE[1]})
        stream = read("suite2p", folder)
        assert (stream.time.rate_hz, len(stream.footprints)) == (7.5, 3)
        assert "settings.npy" in stream.facts["rate_origin"]
        save_object(folder / "plane0" / "ops.npy", self.OPS)
        with pytest.raises(
            DataError, match=r"two frame rates: 15.5 .*ops.* 7.5 .*sett"
        ):
            read("suite2p", folder)

    def test_the_source_is_narrowed_to_the_plane(self, f, tmp_path):
        for plane in (0, 1):
            write_suite2p(tmp_path, f, f / 2, self.CELLS, self.OPS, plane=plane)
        found = READERS["suite2p"].describe(Source((tmp_path,)), {"plane": 1})
        assert found.place == tmp_path / "suite2p" / "plane1"
        with pytest.raises(DataError, match=r"2 planes: plane0, plane1.*plane: 0"):
            READERS["suite2p"].describe(Source((tmp_path,)), {})

    def test_a_thousand_regions_are_read_in_seconds(self, rng, tmp_path):
        import time

        n = 1000
        f = rng.random((n, 20), dtype=np.float32)
        stat = [
            {
                "ypix": rng.integers(0, 512, 80),
                "xpix": rng.integers(0, 512, 80),
                "lam": rng.random(80, dtype=np.float32),
                "overlap": np.zeros(80, bool),
                **{f"other{k}": np.float32(k) for k in range(20)},
            }
            for _ in range(n)
        ]
        ops = {"fs": 15.5, "Ly": 512, "Lx": 512}
        folder = write_suite2p(tmp_path, f, f / 2, np.ones(n), ops, stat=stat)
        start = time.process_time()
        READERS["suite2p"].describe(Source((folder,)), {})
        assert time.process_time() - start < 1.0
        assert len(read("suite2p", folder).footprints) == n


class TestCaiman:
    @pytest.fixture
    def c(self, rng):
        return rng.random((5, 40))

    def test_traces_and_pixels_of_the_accepted_components(self, c, images, tmp_path):
        path = write_caiman(tmp_path / "a.hdf5", c, images, accepted=[3, 1])
        assert find_reader(Source((path,)), ("trace",)).name == "caiman"
        stream = read("caiman", path, rate_hz=30.0)
        assert stream.names == ("roi1", "roi3")
        np.testing.assert_array_equal(stream.data[:], c[[1, 3]].T)
        np.testing.assert_array_equal(stream.data[7], c[[1, 3], 7])
        np.testing.assert_array_equal(stream.data[[9, 2], 1], c[3, [9, 2]])
        np.testing.assert_array_equal(dense(stream), images[[1, 3]])
        whole = read("caiman", path, rate_hz=30.0, all_rois=True)
        np.testing.assert_array_equal(dense(whole), images)
        assert (whole.data.shape, whole.facts["trace"]) == ((40, 5), "C")

    def test_dff_comes_first_where_there_is_one(self, c, images, tmp_path):
        path = write_caiman(tmp_path / "a.hdf5", c, images, dff=c / 7)
        stream = read("caiman", path, rate_hz=30.0)
        np.testing.assert_array_equal(stream.data[:], (c / 7).T)
        assert (stream.facts["trace"], stream.units) == ("F_dff", "dF/F")
        other = read("caiman", path, rate_hz=30.0, trace="C")
        np.testing.assert_array_equal(other.data[:], c.T)

    def test_the_rate_of_the_file_must_be_confirmed(self, c, images, tmp_path):
        path = write_caiman(tmp_path / "a.hdf5", c, images)
        with pytest.raises(
            DataError,
            match=r"fr = 30 .*CaImAn's default.*--rate 30.*--accept caiman.fr",
        ):
            read("caiman", path)
        assert READERS["caiman"].describe(Source((path,)), {}).rate_hz is None
        taken = read("caiman", path, accept=["caiman.fr"])
        assert (taken.time.rate_hz, taken.facts["rate_origin"]) == (
            30.0,
            "fr in the file, accepted",
        )
        assert "notes" not in read("caiman", path, rate_hz=30.0).facts
        other = read("caiman", path, rate_hz=12.0)
        assert other.time.rate_hz == 12.0
        assert any("fr = 30" in n and "say 12" in n for n in other.facts["notes"])

    def test_no_rate_at_all_is_asked_for(self, c, images, tmp_path):
        path = write_caiman(tmp_path / "a.hdf5", c, images, fr=None)
        with pytest.raises(DataError, match=r"40 frames but no frame rate.*rate.miss"):
            read("caiman", path, accept=["caiman.fr"])
        with h5py.File(path, "a") as file:
            file.create_group("params/data").attrs["fr"] = 9.0
        with pytest.raises(DataError, match=r"fr = 9 per second \(params/data/fr\)"):
            read("caiman", path)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (("estimates/A/indices", [99999]), r"outside of the image"),
            (("estimates/A/data", [np.nan]), r"1 of \d+ weights are not finite"),
            (("estimates/A/indptr", [7]), r"starts of the regions do not run"),
            (("dims", [12]), r"A is \[108, 5\], expected 144 pixels \(12 x 12\)"),
        ],
    )
    def test_broken_pixels_are_refused_and_can_be_left_out(
        self, change, words, c, images, tmp_path
    ):
        path = write_caiman(tmp_path / "a.hdf5", c, images)
        name, values = change
        with h5py.File(path, "a") as file:
            file[name][: len(values)] = values
        with pytest.raises(DataError, match=words + r".*\[footprints.invalid\]"):
            read("caiman", path, rate_hz=30.0)
        stream = read("caiman", path, rate_hz=30.0, accept=["footprints.invalid"])
        assert stream.footprints is None
        assert stream.data.shape == (40, 5)

    def test_volumes_and_files_without_pixels_give_traces_alone(
        self, c, images, tmp_path
    ):
        path = write_caiman(tmp_path / "a.hdf5", c, images, dims=[9, 4, 3])
        stream = read("caiman", path, rate_hz=30.0)
        assert stream.footprints is None
        assert any("the image has 3 dimensions" in n for n in stream.facts["notes"])
        with h5py.File(path, "a") as file:
            del file["estimates/A"]
        stream = read("caiman", path, rate_hz=30.0)
        assert any("there is no estimates/A" in note for note in stream.facts["notes"])

    @pytest.mark.parametrize(
        ("accepted", "words"),
        [
            ([5], "names component 5 of 5"),
            ([-1], "names component -1"),
            ([], "no comp"),
        ],
    )
    def test_wrong_choices_of_components_are_refused(
        self, accepted, words, c, images, tmp_path
    ):
        path = write_caiman(tmp_path / "a.hdf5", c, images)
        with h5py.File(path, "a") as file:
            del file["estimates/idx_components"]
            file["estimates/idx_components"] = np.array(accepted, dtype=int)
        with pytest.raises(DataError, match=words + r".*all_rois: true"):
            read("caiman", path, rate_hz=30.0)

    def test_lengths_that_disagree_are_named(self, c, images, tmp_path):
        path = write_caiman(tmp_path / "a.hdf5", c, images, dff=c[:4])
        with pytest.raises(
            DataError, match=r"F_dff has 4, C has 5, S has 5 components.*caiman.lengths"
        ):
            read("caiman", path, rate_hz=30.0)

    def test_other_files_say_what_was_expected(self, c, images, tmp_path):
        path = write_caiman(tmp_path / "a.hdf5", c, images)
        with h5py.File(path, "a") as file:
            del file["estimates/C"]
            file["estimates/C"] = "NoneType"
        with pytest.raises(
            DataError, match=r"expected traces.*in estimates/C, found S"
        ):
            read("caiman", path, rate_hz=30.0, trace="C")
        for head in (b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"):
            matlab = tmp_path / "a.mat"
            matlab.write_bytes(head + b", Platform: GLNXA64" + b"\0" * 600)
            assert find_reader(Source((matlab,)), ("trace",)).name == "caiman"
            with pytest.raises(
                DataError, match=r"a.mat is a MATLAB file; .* are not read yet"
            ):
                read("caiman", matlab, rate_hz=30.0)
