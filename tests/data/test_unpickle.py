"""Pickles of plain data are read; anything that could run is refused, by name."""

from __future__ import annotations

import collections
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from tests.data.fixtures.table_files import Evil, tuple_bomb

from napari_neuroembed.data import size_cap
from napari_neuroembed.data.unpickle import load_pickle, load_pickle_bytes
from napari_neuroembed.errors import DataError

PLAIN = {
    "fs": 30.0,
    "names": ["a", ("b", None, True)],
    "counts": np.arange(6).reshape(2, 3),
    "fortran": np.asfortranarray(np.random.default_rng(0).normal(size=(4, 3))),
    "nested": np.array([{"x": np.float32(2.5)}, [1, 2]], dtype=object),
    "set": {1, 2},
    "range": range(3),
    "bytes": b"\x00\xff",
    "number": np.int64(7),
    "complex": 1 + 2j,
    "text": np.array(["ab", "c"]),
    "ordered": collections.OrderedDict(a=1),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_plain_data_come_back_whatever_the_protocol(protocol):
    back = load_pickle_bytes(pickle.dumps(PLAIN, protocol=protocol), "a.pkl")
    assert back.keys() == PLAIN.keys()
    np.testing.assert_array_equal(back["counts"], PLAIN["counts"])
    np.testing.assert_array_equal(back["fortran"], PLAIN["fortran"])
    assert back["nested"][0] == {"x": np.float32(2.5)}
    assert back["text"].tolist() == ["ab", "c"]
    for key in ("fs", "names", "set", "range", "bytes", "number", "complex"):
        assert back[key] == PLAIN[key]


class Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Call(os.system, "true"), r"asks to load posix.system|nt.system"),
        (Call(eval, "1+1"), r"asks to load builtins.eval"),
        (Call(getattr, "", "join"), r"asks to load builtins.getattr"),
        ({"deep": [Call(os.getcwd)]}, r"asks to load posix.getcwd|nt.getcwd"),
        (pd.DataFrame({"a": [1]}), r"asks to load pandas.*a pickle can run code"),
        (Call(bytes, 10**12), r"bytes of something unusual"),
        (Call(list, range(10**12)), r"list of something unusual"),
        (Call(str, [[[1]]]), r"str of something unusual"),
    ],
)
def test_what_could_run_or_fill_the_memory_is_refused(value, words):
    with pytest.raises(DataError, match=words):
        load_pickle_bytes(pickle.dumps(value, protocol=4), "a.pkl")


def test_nothing_is_executed(tmp_path):
    canary = tmp_path / "canary"
    content = pickle.dumps({"ops": [Evil(canary)]})
    with pytest.raises(DataError, match=r"asks to load"):
        load_pickle_bytes(content, "a.pkl")
    assert not canary.exists()
    pickle.loads(content)  # the canary sings when nobody guards it
    assert canary.exists()


def test_tuples_that_repeat_each_other_are_refused_before_they_are_hashed():
    assert len(tuple_bomb()) < 1000
    with pytest.raises(DataError, match=r"repeats itself into [\d,]+ parts"):
        load_pickle_bytes(tuple_bomb(), "a.pkl")
    (key,) = load_pickle_bytes(tuple_bomb(2, 2), "a.pkl")
    assert key == ((("x",), ("x",)), (("x",), ("x",)))


def test_more_steps_than_the_memory_holds_are_refused(monkeypatch):
    monkeypatch.setattr(size_cap, "CEILING", 10_000)
    with pytest.raises(DataError, match=r"more than 100 steps"):
        load_pickle_bytes(b"]" * 150 + b"a" * 149 + b".", "a.pkl")
    assert load_pickle_bytes(b"]" * 3 + b"a" * 2 + b".", "a.pkl") == [[[]]]


def test_a_cut_or_foreign_file_is_named(tmp_path):
    content = pickle.dumps(PLAIN)
    for i, piece in enumerate([content[:-40], content[:3], b"", b"no pickle"]):
        path = tmp_path / f"{i}.pkl"
        path.write_bytes(piece)
        with pytest.raises(DataError, match=rf"{i}.pkl is damaged or no pickle"):
            load_pickle(path)


def test_a_pointer_outside_the_file_is_refused():
    with pytest.raises(DataError, match=r"points to data outside itself \('other'\)"):
        load_pickle_bytes(b"\x80\x03X\x05\x00\x00\x00otherQ.", "a.pkl")


def test_the_shared_pandas_pickle_is_refused_and_the_poses_are_read(shared_data):
    refused = shared_data("fly_annotations_aymanns2022") / "annotations_df.pkl"
    with pytest.raises(DataError, match=r"annotations_df.pkl asks to load pandas"):
        load_pickle(refused)
    poses = shared_data("fly_pose_nely")
    angles = load_pickle(poses / "210902_PR_Fly1_leg_joint_angles.pkl")
    assert len(angles) > 10
    name = "preds_180921_aDN_PR_Fly8_005_SG1_behData_images-images.pkl"
    assert np.shape(load_pickle(poses / name)) == (8, 900, 19, 2)
