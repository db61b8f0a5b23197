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


def test_a_pickle_is_refused_with_the_class_it_asks_for(shared_data):
    path = shared_data("fly_annotations_aymanns2022") / "annotations_df.pkl"
    match = r"asks to load pandas\.core\.frame\.DataFrame; only plain numpy data .*CSV"
    with pytest.raises(DataError, match=match):
        read_labels(path, format="csv-frames", rate_hz=100.0)


def bouts_of(path, **options):
    labels = read_labels(path, options=options)
    assert labels.format == "boris"
    (bouts,) = labels.by_rater.values()
    return labels, bouts


@pytest.mark.parametrize(("name", "n"), [("test.boris", 12), ("test2.boris", 9)])
def test_a_boris_project_lists_its_observations(shared_data, name, n):
    with pytest.raises(DataError, match=rf"holds {n} observations: .*'live' \(12 ev"):
        read_labels(shared_data("boris_files") / name)


def test_boris_states_take_turns_and_points_have_no_length(shared_data):
    project = shared_data("boris_files") / "test.boris"
    labels, bouts = bouts_of(project, observation="observation #2", subject="*")
    assert labels.actions() == {"s": 10, "p": 8}
    points = bouts.select(["p"])
    assert points.durations().tolist() == [0.0] * 8
    assert (bouts.start_s[0], bouts.stop_s[0]) == (1.8, 8.125)
    (note,) = (p.text for p in labels.problems if p.id == "label.media")
    assert "2 media in a row" in note
    assert "179.96 s" in note


def test_boris_subjects_are_told_apart(shared_data):
    project = shared_data("boris_files") / "test.boris"
    with pytest.raises(DataError, match=r"2 subjects: 'subject1' \(6\), 'subject2'"):
        read_labels(project, options={"observation": "observation #1"})
    _, one = bouts_of(project, observation="observation #1", subject="subject1")
    assert one.start_s.tolist() == [3.3, 9.9, 18.35]
    _, nobody = bouts_of(project, observation="live", subject="No focal subject")
    assert nobody.select(["s"]).start_s.tolist() == [8.886, 18.438]


def test_an_unpaired_boris_state_is_refused_with_its_last_start(shared_data):
    project = shared_data("boris_files") / "test.boris"
    match = (
        r"observation 'live not paired': state 's' of subject '' has an odd number of "
        r"events; no STOP after its START at 26\.862 s"
    )
    options = {"observation": "live not paired"}
    with pytest.raises(DataError, match=match):
        read_labels(project, options=options)
    labels = read_labels(project, options=options, accept={"label.unpaired"})
    assert labels.actions() == {"p": 5}
    assert {p.id for p in labels.problems} == {"label.live"}


def test_boris_modifiers_are_left_out_loudly_or_kept_in_the_name(shared_data):
    project = shared_data("boris_files") / "test.boris"
    labels, _ = bouts_of(project, observation="modifiers")
    assert labels.actions() == {"q": 3, "r": 2}
    (problem,) = labels.problems
    assert problem.id == "label.modifiers"
    assert "4 bouts have modifiers" in problem.text
    labels, bouts = bouts_of(project, observation="modifiers", modifiers="name")
    assert labels.problems == ()
    assert labels.actions() == {
        "q (m1)": 1,
        "q (m2)": 1,
        "q (m3)": 1,
        "r (m1)": 1,
        "r": 1,
    }
    assert bouts.select(["r"]).stop_s.tolist() == [40.825]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_an_older_boris_table_says_the_same_as_its_project(shared_data, ending):
    folder = shared_data("boris_files")
    table = folder / f"test_export_events_tabular.{ending}"
    labels, bouts = bouts_of(table, subject="*")
    assert labels.facts["observation"] == "observation #1"
    project = folder / "test.boris"
    _, same = bouts_of(project, observation="observation #1", subject="*")
    assert bouts == same
    assert len(bouts) == 4
