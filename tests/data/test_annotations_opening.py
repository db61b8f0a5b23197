import json
import sqlite3
import threading
from contextlib import closing

import numpy as np
import pytest

from napari_neuroembed.data.annotations import backup as annotation_backup
from napari_neuroembed.data.annotations import connection as annotation_connection
from napari_neuroembed.data.annotations import edits as annotation_edits
from napari_neuroembed.data.annotations import events as annotation_events
from napari_neuroembed.data.annotations import session as annotation_session
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annotations.sqlite"


@pytest.fixture
def filled(path):
    with AnnotationStore.open(path) as store:
        store.add_rater("ana")
        store.add_action("walk")
        for start in range(5):
            store.add("fly1", "walk", start, start + 0.5, rater="ana")
    return path


def scribble(path):
    """Damage the page where the index of bouts begins."""
    with closing(sqlite3.connect(path)) as raw:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'bouts_by_recording'"
        page = raw.execute(query).fetchone()[0]
        size = raw.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(bytes(content))


def test_the_file_is_durable_and_shared(filled):
    with AnnotationStore.open(filled) as store:
        database = store._session.database
        assert database.pragma("journal_mode") == "wal"
        assert database.pragma("synchronous") == 2
        assert database.pragma("foreign_keys") == 1
        assert database.pragma("busy_timeout") == 5000


def test_nothing_to_read_is_said_plainly(path):
    with pytest.raises(DataError, match="nothing has been annotated yet"):
        AnnotationStore.open(path, read_only=True)


def test_a_read_only_store_reads_and_refuses_edits(filled):
    with AnnotationStore.open(filled, read_only=True) as store:
        assert store.read_only
        assert len(store.bouts()) == 5
        with pytest.raises(DataError, match="opened read-only"):
            store.undo("ana")


def test_a_damaged_file_is_opened_read_only_and_names_the_newest_backup(filled):
    with AnnotationStore.open(filled) as store:
        backup = store.backup()
    scribble(filled)
    with AnnotationStore.open(filled) as store:
        assert store.read_only
        assert str(backup) in store.notice
        assert "damaged" in store.notice
        assert store.raters() == ("ana",)
        with pytest.raises(DataError, match="damaged"):
            store.add_rater("ben")


def test_a_file_that_is_no_database_names_the_backup_too(filled):
    with AnnotationStore.open(filled) as store:
        backup = store.backup()
    filled.write_text("these are not bouts, whatever the name says " * 300)
    with pytest.raises(DataError, match="is damaged and cannot be read") as caught:
        AnnotationStore.open(filled)
    assert str(backup) in str(caught.value)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("script", "what"),
    [
        (f"CREATE VIEW more AS {ENDLESS} SELECT * FROM n", "view more"),
        (
            (
                "CREATE TRIGGER sly AFTER INSERT ON bouts "
                "BEGIN UPDATE bouts SET deleted = 1; END"
            ),
            "trigger sly",
        ),
        (
            (
                "DROP TRIGGER protect_0; "
                "CREATE TRIGGER protect_0 BEFORE DELETE ON bouts "
                "BEGIN UPDATE bouts SET deleted = 1; END"
            ),
            "trigger protect_0",
        ),
    ],
)
def test_programs_inside_the_file_are_refused(filled, script, what, read_only):
    with closing(sqlite3.connect(filled)) as raw:
        raw.executescript(script)
    with pytest.raises(DataError, match=rf"hold {what}, .*\[annotations.foreign\]"):
        AnnotationStore.open(filled, read_only=read_only)


@pytest.mark.parametrize("version", ["x", "", "1e9", b"\x01", "9" * 5000])
def test_a_version_that_is_no_number_is_refused(filled, version):
    with closing(sqlite3.connect(filled)) as raw, raw:
        raw.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (version,))
    with pytest.raises(DataError, match=r"have version .* knows 1"):
        AnnotationStore.open(filled)


@pytest.mark.parametrize("bad", [b"\x8b", b"\xff"])
def test_a_list_of_tables_that_is_no_text_is_damage(filled, bad):
    content = filled.read_bytes()
    at = content.index(b"CREATE TABLE bouts") + len(b"CREATE ")
    filled.write_bytes(content[:at] + bad + content[at + 1 :])
    with pytest.raises(DataError, match=r"is damaged .*no text"):
        AnnotationStore.open(filled)


def test_a_newer_or_foreign_file_is_refused_and_left_alone(filled, tmp_path):
    with closing(sqlite3.connect(filled)) as raw:
        raw.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
        raw.commit()
    with pytest.raises(DataError, match=r"have version 99 .* knows 1"):
        AnnotationStore.open(filled)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as raw:
        raw.execute("CREATE TABLE recipes (name)")
        raw.commit()
    with pytest.raises(DataError, match=r"other tables \(recipes\)"):
        AnnotationStore.open(other)


def test_opening_backs_up_once_and_only_what_is_new(filled):
    folder = filled.parent / "backups"
    AnnotationStore.open(filled).close()
    assert len(annotation_backup.backups(folder)) == 1
    AnnotationStore.open(filled).close()
    (backup,) = annotation_backup.backups(folder)
    with AnnotationStore.open(backup, read_only=True) as copy:
        assert len(copy.bouts()) == 5
        assert copy.verify() == []


def test_ten_backups_are_kept_even_when_the_clock_goes_backwards(filled, monkeypatch):
    stamps = iter([f"2026-01-01T00:00:{s:02d}.000Z" for s in (*range(30, 45), 1)])
    monkeypatch.setattr(annotation_backup, "utc_now", lambda: next(stamps))
    folder = filled.parent / "backups"
    with AnnotationStore.open(filled) as store:
        while True:
            last = store.backup()
            if last.name.endswith("000001.000Z.sqlite"):
                break
    kept = annotation_backup.backups(folder)
    assert len(kept) == 10
    assert last in kept


def test_edits_are_backed_up_as_time_goes_by(filled, monkeypatch):
    monkeypatch.setattr(annotation_session, "AUTOSAVE_S", -1.0)
    with AnnotationStore.open(filled) as store:
        store.add("fly1", "walk", 50, 51, rater="ana")
    newest = annotation_backup.backups(filled.parent / "backups")[-1]
    with AnnotationStore.open(newest, read_only=True) as copy:
        assert copy.bouts()["start_s"].max() == 50


def test_an_edit_after_the_file_was_deleted_is_kept_in_a_journal(filled):
    with AnnotationStore.open(filled) as store:
        filled.unlink()
        with pytest.raises(DataError, match=r"deleted or replaced.*unsaved\.jsonl"):
            store.add("fly1", "walk", 9.0, 10.0, rater="ana")
    journal = filled.with_name("annotations.unsaved.jsonl")
    (line,) = journal.read_text().splitlines()
    kept = json.loads(line)
    assert (kept["action"], kept["start_s"], kept["rater"]) == ("walk", 9.0, "ana")


def test_a_replaced_file_is_not_written(filled):
    with AnnotationStore.open(filled) as store:
        backup = store.backup()
        copy = backup.read_bytes()
        filled.rename(filled.with_name("moved.sqlite"))
        filled.write_bytes(copy)
        with pytest.raises(DataError, match="deleted or replaced"):
            store.add("fly1", "walk", 9.0, 10.0, rater="ana")
    assert filled.read_bytes() == copy


def test_a_full_disk_refuses_the_edit_and_keeps_what_was_there(filled):
    with AnnotationStore.open(filled) as store:
        database = store._session.database
        pages = database.pragma("page_count")
        database.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
        many = np.arange(3000.0)
        bouts = Bouts(many + 100, many + 101, ("walk",) * 3000, np.ones(3000, bool))
        with pytest.raises(DataError, match="the disk is full"):
            store.import_bouts("fly2", bouts, rater="ana")
    with AnnotationStore.open(filled) as store:
        assert len(store.bouts()) == 5
        assert store.verify() == []


def test_a_writer_who_never_ends_is_named_after_the_wait(filled, monkeypatch):
    monkeypatch.setattr(annotation_connection, "BUSY_MS", 50)
    with AnnotationStore.open(filled) as store, closing(sqlite3.connect(filled)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataError, match=r"is busy.*Nothing was written; try again"):
            store.add("fly1", "walk", 9.0, 10.0, rater="ana")
        raw.rollback()
        store.add("fly1", "walk", 9.0, 10.0, rater="ana")


def test_a_clock_going_backwards_changes_no_order(path, monkeypatch):
    stamps = iter(f"2026-01-01T00:00:{s:02d}.000Z" for s in range(59, 0, -1))
    for module in (annotation_events, annotation_edits):
        monkeypatch.setattr(module, "utc_now", lambda: next(stamps))
    with AnnotationStore.open(path) as store:
        store.add_rater("ana")
        store.add_action("walk")
        store.add("fly1", "walk", 0, 1, rater="ana")
        store.add("fly1", "walk", 2, 3, rater="ana")
        assert "2.000-3.000" in store.undo("ana")
        assert store.events()["utc"].is_monotonic_decreasing
        assert store.verify() == []


def test_every_thread_has_its_own_connection(filled):
    found = []
    with AnnotationStore.open(filled) as store:

        def work(rater):
            store.add_rater(rater)
            for start in range(10):
                store.add("fly1", "walk", start, start + 0.5, rater=rater)
            found.append(store._session.database.connection())

        threads = [threading.Thread(target=work, args=(f"r{k}",)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, found))) == 3
        assert len(store.bouts()) == 35
        assert store.verify() == []


def test_reading_leaves_no_transaction_open(filled):
    with AnnotationStore.open(filled) as store:
        store.bouts()
        raw = store._session.database.connection().connection.dbapi_connection
        assert not raw.in_transaction
