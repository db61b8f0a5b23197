"""Label files of other laboratories, read where they lie."""

import numpy as np
import pytest

from napari_neuroembed.data.annotations.importing import import_labels, plan_import
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.data.readers.labels import find_format, read_labels
from napari_neuroembed.errors import DataError

LABELLED = {
    "210830_Fly1_003": (3329, 10),
    "210910_Fly2_003": (2835, 5),
    "211026_Fly3_003": (2981, 8),
    "211027_Fly2_003": (9259, 11),
    "211029_Fly1_003": (5564, 0),
}


@pytest.mark.parametrize("name", LABELLED)
def test_sparse_fly_labels_stay_unlabelled_where_nobody_looked(shared_data, name):
    path = shared_data("fly_annotations_aymanns2022") / f"{name}_labels.csv"
    labels = read_labels(path, rate_hz=100.0)
    frames = (np.arange(54_000) + 0.5) / 100.0
    actions = list(labels.actions())
    assert len(actions) == 9
    assert "background" in actions
    states = labels[""].states_at(frames, actions)
    labelled, several = LABELLED[name]
    assert int((states != -1).any(axis=1).sum()) == labelled
    assert int(((states == 1).sum(axis=1) > 1).sum()) == several
    assert any(p.id == "label.several" for p in labels.problems) == (several > 0)


def test_a_fly_table_gives_every_row_to_its_own_recording(shared_data):
    path = shared_data("fly_annotations_aymanns2022") / "annotations_G23xU1_bouts.csv"
    assert find_format(path) == "csv-intervals"
    labels = read_labels(path, rate_hz=100.0)
    assert len(labels) == 13
    assert sum(labels.actions().values()) == 638
    assert len(labels.actions()) == 7
    assert len(labels["200901_G23xU1_Fly1_001"]) == 50
    assert len(labels["201016_G23xU1_Fly1_020"]) == 37
    seconds = sum(bouts.durations().sum() for bouts in labels.values())
    assert round(seconds * 100) == 155_242
    assert labels["200901_G23xU1_Fly1_001"].stop_s[0] == 0.54


def test_three_raters_of_five_mice_keep_their_spelling_and_their_rows(
    shared_data, tmp_path
):
    path = shared_data("mouse_annotations_dlcanalyzer") / "AllEPMLables.csv"
    labels = read_labels(path)
    assert labels.actions() == {
        "Head Dip": 573,
        "Grooming": 376,
        "Protected Stretch": 183,
        "Rearing": 160,
        "Unprotected Stretch": 71,
        "Start/End": 21,
        "Start_End": 16,
        "_DEFAULT": 1,
    }
    assert sorted(labels) == ["EPM_11", "EPM_13", "EPM_16", "EPM_2", "EPM_6"]
    assert labels.raters() == ("Jin", "Oliver", "Sian")
    assert {p.id for p in labels.problems} == {"label.spelling", "label.placeholder"}
    with pytest.raises(DataError, match="3 raters"):
        labels["EPM_2"]
    with AnnotationStore.open(tmp_path / "annotations.sqlite") as store:
        with pytest.raises(DataError, match="overlap"):
            import_labels(store, plan_import(store, labels))
        assert store.bouts().empty
        assert import_labels(store, plan_import(store, labels, group=None)) == 1401
        assert store.bouts()["rater"].value_counts().to_dict() == {
            "Jin": 475,
            "Sian": 466,
            "Oliver": 460,
        }
        with pytest.raises(DataError, match="disagree"):
            store.recording_bouts("EPM_2")
        assert store.undo("Jin") == (
            "import of 475 bouts in EPM_11, EPM_13, EPM_16, EPM_2, EPM_6"
        )
        assert len(store.bouts()) == 926
        assert store.verify() == []


@pytest.mark.parametrize(
    ("worm", "n_frames"), [(0, 3137), (1, 3134), (2, 3059), (3, 3311), (4, 3021)]
)
def test_worm_states_get_the_names_listed_beside_them(shared_data, worm, n_frames):
    folder = shared_data("worm_kato2015")
    options = {} if worm < 2 else {"names": folder / "worm_0_states.csv"}
    path = folder / f"worm_{worm}_y.csv"
    labels = read_labels(path, rate_hz=2.9046, options=options)
    known = {"dt", "fwd", "nostate", "rev1", "rev2", "revsus", "slow", "vt"}
    assert set(labels.actions()) <= known
    assert labels[""].stop_s[-1] == pytest.approx(n_frames / 2.9046)
    assert labels[""].at([0.0]).tolist() == ["slow"]


def test_worm_states_without_names_are_refused_with_the_remedy(shared_data):
    path = shared_data("worm_kato2015") / "worm_4_y.csv"
    with pytest.raises(DataError, match=r"no worm_4_states\.csv.*--names"):
        read_labels(path, rate_hz=2.8)
    kept = read_labels(path, rate_hz=2.8, options={"names": "codes"})
    assert "code 6" in kept.actions()


def test_a_list_of_numbers_with_exponents_is_a_list_of_codes(shared_data):
    path = shared_data("fly_sync_labels_chen2018") / "walking_seq.txt"
    labels = read_labels(path, rate_hz=30.0, options={"names": ["", "walking"]})
    assert round(labels[""].durations().sum() * 30) == 1647


def test_a_pickle_is_never_opened(shared_data):
    path = shared_data("fly_annotations_aymanns2022") / "annotations_df.pkl"
    with pytest.raises(DataError, match=r"no text file.*never opened"):
        read_labels(path, format="csv-frames", rate_hz=100.0)
