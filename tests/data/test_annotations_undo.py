"""Undo and the log under random sequences of edits."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.errors import DataError

edits = st.lists(
    st.tuples(
        st.sampled_from(["add", "change", "remove", "import", "undo", "redo"]),
        st.integers(0, 40),
        st.integers(1, 6),
        st.sampled_from(["walk", "rest", "sniff"]),
        st.integers(0, 1_000),
    ),
    max_size=14,
)


def content(store):
    table = store.bouts().drop(columns=["revision"])
    return table.sort_values("id").reset_index(drop=True)


def do(store, command, start, length, action, pick):
    """Carry out one edit; return whether it is a new command."""
    table = store.bouts()
    row = table.iloc[pick % len(table)] if len(table) else None
    if command == "add":
        store.add("fly1", action, start, start + length, rater="ana", state=pick % 2)
    elif command == "import":
        bouts = Bouts(
            [start, start + length],
            [start + length, start + length + 1],
            (action, "groom"),
            [True, True],
        )
        return store.import_bouts("fly1", bouts, rater="ana") > 0
    elif command in ("undo", "redo"):
        store.undo("ana") if command == "undo" else store.redo("ana")
        return False
    elif row is None:
        return False
    elif command == "change":
        new = {"start_s": start, "stop_s": start + length, "action": action}
        store.change(int(row["id"]), int(row["revision"]), rater="ana", **new)
    else:
        store.remove(int(row["id"]), int(row["revision"]), rater="ana")
    return True


@settings(max_examples=12, deadline=None)
@given(edits)
def test_undoing_everything_restores_and_redoing_everything_repeats(sequence):
    folder = Path(tempfile.mkdtemp())
    try:
        with AnnotationStore.open(folder / "annotations.sqlite") as store:
            store.add_rater("ana")
            for name, group in (
                ("walk", "actions"),
                ("rest", "actions"),
                ("sniff", None),
            ):
                store.add_action(name, group=group)
            for edit in sequence:
                before = content(store)
                try:
                    do(store, *edit)
                except DataError:
                    assert content(store).equals(before)
            end = content(store)
            n_undone = 0
            while store.undo("ana"):
                n_undone += 1
            assert store.bouts().empty
            n_possible = n_undone
            while n_possible and store.redo("ana"):
                n_possible -= 1
                if n_possible == 0:
                    break
            assert content(store).equals(end)
            assert store.verify() == []
    finally:
        shutil.rmtree(folder)
