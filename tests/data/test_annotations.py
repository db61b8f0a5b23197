import sqlite3
from contextlib import closing

import numpy as np
import pytest

from napari_neuroembed.data.annotations.store import AnnotationStore, Bout, Conflict
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annotations.sqlite"


@pytest.fixture
def store(path):
    with AnnotationStore.open(path) as opened:
        opened.add_rater("ana")
        opened.add_rater("ben")
        for name in ("walk", "rest"):
            opened.add_action(name)
        opened.add_action("sniff", group=None)
        opened.add_action("peck", kind="point", group=None)
        yield opened


def some_bouts(*rows):
    return Bouts(
        np.array([row[0] for row in rows], dtype=float),
        np.array([row[1] for row in rows], dtype=float),
        tuple(row[2] for row in rows),
        np.array([row[3] if len(row) > 3 else True for row in rows]),
    )


def test_a_bout_is_there_for_every_program_that_opens_the_file(path, store):
    made = store.add("fly1", "walk", 1.0, 2.5, rater="ana")
    with AnnotationStore.open(path, app="napari") as other:
        table = other.bouts("fly1")
    assert table["id"].tolist() == [made.id]
    assert table[
        ["action", "start_s", "stop_s", "rater", "source"]
    ].to_numpy().tolist() == [["walk", 1.0, 2.5, "ana", "human"]]
    assert table["revision"].tolist() == [1]


def test_an_edit_of_an_old_revision_is_refused_with_both_versions(path, store):
    made = store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    with AnnotationStore.open(path, app="dashboard") as other:
        other.change(made.id, made.revision, rater="ben", stop_s=3.0)
    with pytest.raises(Conflict, match="changed by ben in the dashboard at") as caught:
        store.change(made.id, made.revision, rater="ana", start_s=0.5)
    assert isinstance(caught.value.mine, Bout)
    assert (caught.value.mine.start_s, caught.value.mine.stop_s) == (0.5, 2.0)
    assert (caught.value.theirs.start_s, caught.value.theirs.stop_s) == (1.0, 3.0)
    assert store.bout(made.id) == caught.value.theirs
    again = store.change(
        made.id, caught.value.theirs.revision, rater="ana", start_s=0.5
    )
    assert (again.start_s, again.stop_s, again.revision) == (0.5, 3.0, 3)


def test_a_removed_bout_cannot_be_changed(store):
    made = store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    store.remove(made.id, made.revision, rater="ana")
    assert store.bouts().empty
    with pytest.raises(Conflict, match="removed by ana in Python") as caught:
        store.change(made.id, made.revision, rater="ana", stop_s=5.0)
    assert caught.value.theirs.deleted


def test_an_unheard_of_revision_or_bout_is_a_plain_error(store):
    made = store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    with pytest.raises(DataError, match="never had revision 7"):
        store.change(made.id, 7, rater="ana", stop_s=5.0)
    with pytest.raises(DataError, match="no bout 99"):
        store.remove(99, 1, rater="ana")


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda s: s.add("f", "wlak", 0, 1, rater="ana"), "'wlak' is no action.*walk"),
        (
            lambda s: s.add("f", "walk", 0, 1, rater="eve"),
            "'eve' is no rater.*ana, ben",
        ),
        (lambda s: s.add("f", "walk", 2, 1, rater="ana"), "ends before it starts"),
        (lambda s: s.add("f", "walk", 1, 1, rater="ana"), "no length"),
        (lambda s: s.add("f", "peck", 1, 2, rater="ana"), "is a point event"),
        (lambda s: s.add("f", "walk", 0, np.nan, rater="ana"), "finite"),
        (lambda s: s.add("f", "walk", 0, 1, rater="ana", state=2), "allowed: 1"),
        (
            lambda s: s.add("f", "walk", 0, 1, rater="ana", source="me"),
            "verified_model",
        ),
        (lambda s: s.add("f", "walk", 0, 1, rater="ana", confidence=2.0), "0 and 1"),
        (lambda s: s.change(1, 1, rater="ana", recording="g"), "recording cannot be"),
    ],
)
def test_a_wrong_edit_is_refused_and_writes_nothing(store, edit, match):
    before = len(store.events())
    with pytest.raises(DataError, match=match):
        edit(store)
    assert store.bouts().empty
    assert len(store.events()) == before


def test_one_rater_cannot_do_two_exclusive_actions_at_once(store):
    store.add("fly1", "walk", 1.0, 3.0, rater="ana")
    with pytest.raises(DataError, match=r"rest 2\.000-4\.000.*walk 1\.000-3\.000.*ana"):
        store.add("fly1", "rest", 2.0, 4.0, rater="ana")
    store.add("fly1", "rest", 3.0, 4.0, rater="ana")
    store.add("fly1", "rest", 2.0, 4.0, rater="ben")
    store.add("fly2", "rest", 2.0, 4.0, rater="ana")
    store.add("fly1", "sniff", 0.0, 9.0, rater="ana")
    store.add("fly1", "rest", 2.0, 2.5, rater="ana", state=0)
    assert len(store.bouts()) == 6


def test_multi_label_actions_overlap_but_do_not_contradict_themselves(store):
    store.add("fly1", "sniff", 1.0, 3.0, rater="ana")
    store.add("fly1", "sniff", 1.0, 3.0, rater="ana")
    store.add_action("groom", group=None)
    store.add("fly1", "groom", 1.0, 3.0, rater="ana")
    with pytest.raises(DataError, match=r"no sniff 2\.000-4\.000.*contradict"):
        store.add("fly1", "sniff", 2.0, 4.0, rater="ana", state=0)


def test_a_models_bouts_are_not_in_the_way_of_a_persons(store):
    store.add("fly1", "walk", 1.0, 3.0, rater="ana", source="model", run="r1")
    store.add("fly1", "rest", 2.0, 4.0, rater="ana")
    with pytest.raises(DataError, match="exclude one another"):
        store.add("fly1", "rest", 2.0, 4.0, rater="ana", source="model", run="r1")
    assert len(store.bouts("fly1", sources=["human"])) == 1
    assert store.recording_bouts("fly1").action == ("rest",)


def test_undo_and_redo_walk_back_and_forth_over_a_restart(path, store):
    made = store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    made = store.change(made.id, made.revision, rater="ana", stop_s=2.5, action="rest")
    store.remove(made.id, made.revision, rater="ana")
    with AnnotationStore.open(path, app="napari") as again:
        assert again.undo("ana") == "remove of rest 1.000-2.500 s in fly1"
        assert again.bouts()["stop_s"].tolist() == [2.5]
        assert again.undo("ana") == "change of rest 1.000-2.500 s in fly1"
        assert again.bouts()["action"].tolist() == ["walk"]
        assert again.undo("ana") == "add of walk 1.000-2.000 s in fly1"
        assert again.bouts().empty
        assert again.undo("ana") is None
    assert store.redo("ana") is not None
    assert store.redo("ana") is not None
    assert store.bouts()[["action", "stop_s"]].to_numpy().tolist() == [["rest", 2.5]]
    assert store.verify() == []


def test_a_new_edit_ends_what_could_be_redone(store):
    store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    store.undo("ana")
    store.add("fly1", "rest", 1.0, 2.0, rater="ana")
    assert store.redo("ana") is None
    assert store.bouts()["action"].tolist() == ["rest"]


def test_undo_touches_only_the_own_edits(store):
    store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    store.add("fly1", "rest", 1.0, 2.0, rater="ben")
    assert "walk" in store.undo("ana")
    assert store.bouts()["rater"].tolist() == ["ben"]
    assert store.undo("ana") is None


def test_undo_is_refused_when_somebody_changed_the_bout_since(path, store):
    made = store.add("fly1", "walk", 1.0, 2.0, rater="ana")
    with AnnotationStore.open(path, app="dashboard") as other:
        other.change(made.id, 1, rater="ben", stop_s=4.0)
    with pytest.raises(Conflict, match="changed by ben in the dashboard"):
        store.undo("ana")
    assert store.bouts()["stop_s"].tolist() == [4.0]


def test_an_import_is_one_command_and_adds_nothing_the_second_time(store):
    bouts = some_bouts((0, 1, "walk"), (1, 2, "groom"), (2, 3, "groom", False))
    assert store.import_bouts("fly1", bouts, rater="cleo") == 3
    assert store.import_bouts("fly1", bouts, rater="cleo") == 0
    assert store.raters() == ("ana", "ben", "cleo")
    assert "groom" in store.actions()["name"].tolist()
    assert store.recording_bouts("fly1") == bouts
    assert store.undo("cleo") == "import of 3 bouts in fly1"
    assert store.bouts().empty
    assert store.redo("cleo") == "undo of 3 bouts in fly1"
    assert store.recording_bouts("fly1") == bouts


def test_an_import_with_one_fault_adds_nothing_and_lists_all(store):
    bouts = some_bouts((0, 2, "walk"), (1, 3, "groom"), (9, 8, "walk"))
    with pytest.raises(DataError, match=r"walk 9\.0-8\.0 s in 'fly1': it ends before"):
        store.import_bouts("fly1", bouts, rater="cleo")
    with pytest.raises(DataError, match="multi-label"):
        store.import_bouts("fly1", bouts.clip(0, 3), rater="cleo")
    assert store.bouts().empty
    assert store.raters() == ("ana", "ben")


def test_large_imports_are_checked_in_one_sweep_like_small_ones(store):
    edges = np.arange(302.0)
    rows = [(t, t + 1, ("walk", "rest")[int(t) % 2]) for t in edges]
    assert store.import_bouts("fly1", some_bouts(*rows), rater="ana") == 302
    with pytest.raises(DataError, match=r"603 problem[^Z]*and 593 more"):
        store.import_bouts(
            "fly1",
            some_bouts(*((t + 0.5, t + 1.2, "turn") for t in edges)),
            rater="ana",
        )
    assert len(store.bouts()) == 302


def test_imported_actions_without_length_become_point_events(store):
    store.import_bouts(
        "fly1", some_bouts((1, 1, "blink"), (2, 2, "blink")), rater="ana"
    )
    row = store.actions().set_index("name").loc["blink"]
    assert (row["kind"], row["group"]) == ("point", None)


def test_raters_who_agree_where_both_looked_are_joined(store):
    store.import_bouts("fly1", some_bouts((0, 4, "walk"), (4, 6, "rest")), rater="ana")
    store.import_bouts("fly1", some_bouts((0, 4, "walk"), (8, 9, "walk")), rater="ben")
    joined = store.recording_bouts("fly1")
    assert joined == some_bouts((0, 4, "walk"), (4, 6, "rest"), (8, 9, "walk"))


def test_raters_who_disagree_must_be_chosen_between(store):
    store.import_bouts("fly1", some_bouts((0, 4, "walk")), rater="ana")
    store.import_bouts("fly1", some_bouts((0, 3, "walk"), (3, 4, "rest")), rater="ben")
    with pytest.raises(
        DataError, match=r"ana and ben disagree in 1.00 s, first at 3.0"
    ):
        store.recording_bouts("fly1")
    assert store.recording_bouts("fly1", raters=["ana"]).action == ("walk",)
    assert store.recording_bouts("nothing here") == Bouts.empty()


def test_a_snapshot_holds_what_counts_of_the_named_recordings(store):
    store.add("fly1", "walk", 0, 1, rater="ana")
    store.add("fly2", "walk", 0, 1, rater="ana", source="model", run="r")
    store.add("fly3", "walk", 0, 1, rater="ben")
    table = store.snapshot(["fly1", "fly2"])
    assert table["recording"].tolist() == ["fly1"]
    assert store.snapshot(["fly1", "fly3"], raters=["ben"])["rater"].tolist() == ["ben"]


def test_actions_have_an_order_keys_colours_and_new_names(store):
    store.add("fly1", "walk", 0, 1, rater="ana")
    store.rename_action("walk", "walking")
    store.reorder_actions(["rest", "peck", "walking", "sniff"])
    store.set_action("rest", key="r", color="#123456", description="no leg moves")
    table = store.actions().set_index("name")
    assert list(table.index) == ["rest", "peck", "walking", "sniff"]
    assert table.loc["rest", "color"] == "#123456"
    assert table.loc["walking", "color"] == "#332288"
    assert store.bouts()["action"].tolist() == ["walking"]
    with pytest.raises(DataError, match="key 'r' already belongs to 'rest'"):
        store.set_action("peck", key="r")
    with pytest.raises(DataError, match="already an action 'rest'"):
        store.rename_action("peck", "rest")
    with pytest.raises(DataError, match="name every action once"):
        store.reorder_actions(["rest"])
    assert store.verify() == []


def test_a_retired_action_keeps_its_bouts_and_takes_no_new_ones(store):
    store.add("fly1", "walk", 0, 1, rater="ana")
    store.retire_action("walk")
    with pytest.raises(DataError, match="retired"):
        store.add("fly1", "walk", 5, 6, rater="ana")
    assert len(store.bouts()) == 1
    store.retire_action("walk", retired=False)
    store.add("fly1", "walk", 5, 6, rater="ana")


def test_actions_whose_bouts_overlap_cannot_be_made_exclusive(store):
    store.add("fly1", "sniff", 0, 2, rater="ana")
    store.add("fly1", "walk", 1, 3, rater="ana")
    with pytest.raises(DataError, match=r"sniff.*walk.*exclude one another"):
        store.set_action("sniff", group="actions")
    assert store.actions().set_index("name").loc["sniff", "group"] is None


def test_the_database_itself_refuses_to_forget(path, store):
    store.add("fly1", "walk", 0, 1, rater="ana")
    with closing(sqlite3.connect(path)) as raw:
        for statement in (
            "DELETE FROM events",
            "UPDATE events SET rater = 'eve'",
            "DELETE FROM bouts",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never lost"):
                raw.execute(statement)


def test_verify_finds_a_bout_that_the_log_does_not_explain(path, store):
    store.add("fly1", "walk", 0, 1, rater="ana")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE bouts SET stop_s = 7")
        raw.commit()
    (problem,) = store.verify()
    assert "bouts row 1" in problem
    assert "'stop_s': 7.0" in problem
    assert "'stop_s': 1.0" in problem


def test_the_version_number_moves_with_the_edits_of_others_only(path, store):
    first = store.data_version()
    store.add("fly1", "walk", 0, 1, rater="ana")
    assert store.data_version() == first
    with AnnotationStore.open(path) as other:
        other.add("fly1", "walk", 2, 3, rater="ana")
    assert store.data_version() != first


def test_the_log_keeps_program_rater_before_and_after(store):
    made = store.add("fly1", "walk", 0, 1, rater="ana")
    store.change(made.id, 1, rater="ben", stop_s=2)
    last = store.events().iloc[-1]
    assert (last["app"], last["rater"], last["command"]) == ("python", "ben", "change")
    assert last["before"][0][1]["stop_s"] == 1.0
    assert last["after"][0][1]["stop_s"] == 2.0


def test_an_unknown_program_is_refused(path):
    with pytest.raises(DataError, match="allowed: napari, dashboard, cli, python"):
        AnnotationStore.open(path, app="word")
