"""Binary files made to do harm: npz, safetensors, parquet, HDF5, video, images, SQLite.

In the form of `documents`.
"""

from __future__ import annotations

import io
import json
import pickle
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.data.fixtures.hdf5_files import write_dlc_h5
from tests.data.fixtures.table_files import Evil
from tests.faults.hostile.documents import File
from tests.faults.hostile.kinds import KINDS

_RATE: dict[str, Any] = {"rate_hz": 10.0}
Writer = Callable[[Path, Path], None]
"""Writes a file at a path, given the place of the canary."""


def _npy(array: Any, *, pickled: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=pickled)
    return buffer.getvalue()


def _zip(path: Path, members: Mapping[str, bytes], packed: bool = True) -> None:
    way = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", way) as file:
        for name, content in members.items():
            file.writestr(name, content)


def _npz_object(path: Path, canary: Path) -> None:
    evil = np.array([Evil(canary)], dtype=object)
    _zip(path, {"pose.npy": _npy(evil, pickled=True)})


def _npz_bomb(path: Path, canary: Path) -> None:
    head = _npy(np.zeros((4, 2, 2)))[:128].replace(b"(4, 2, 2)", b"(16777216, 2, 2)")
    head = head[:8] + struct.pack("<H", len(head) - 10) + head[10:]
    _zip(path, {"pose.npy": head + b"\0" * (256 << 20)})


def _npz_names(path: Path, canary: Path) -> None:
    good = _npy(np.ones((40, 4, 2)))
    _zip(path, {f"../{canary.name}": good, str(canary): good, "..\\x.npy": good})


def _npz_twice(path: Path, canary: Path) -> None:
    with zipfile.ZipFile(path, "w") as file, _no_warning():
        file.writestr("pose.npy", _npy(np.ones((40, 4, 2))))
        file.writestr("pose.npy", _npy(np.zeros((20, 4, 2))))


def _no_warning() -> Any:
    import warnings

    found = warnings.catch_warnings()
    warnings.simplefilter("ignore")
    return found


def _npz_many(path: Path, canary: Path) -> None:
    _zip(path, {f"a{i}.npy": b"" for i in range(20_000)})


def _npz_locked(path: Path, canary: Path) -> None:
    _zip(path, {"pose.npy": _npy(np.ones((40, 4, 2)))})
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    path.write_bytes(bytes(content))


def _npz_lies(path: Path, canary: Path) -> None:
    """State in the list of contents a size that the content does not have."""
    _zip(path, {"pose.npy": _npy(np.ones((40, 4, 2)))}, packed=False)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(bytes(content))


NPZ: dict[str, Writer] = {
    "an object": _npz_object,
    "zeros without end": _npz_bomb,
    "names that lead out": _npz_names,
    "a name twice": _npz_twice,
    "20,000 members": _npz_many,
    "a member with a password": _npz_locked,
    "another size in the list": _npz_lies,
}


def _safetensors(header: Any, body: bytes = b"\0" * 576, size: int | None = None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    n_bytes = len(text) if size is None else size

    def write(path: Path, canary: Path) -> None:
        path.write_bytes(struct.pack("<Q", n_bytes) + text + body)

    return write


def _layer(**changes: Any) -> dict[str, Any]:
    weight = {"dtype": "F32", "shape": [16, 8], "data_offsets": [0, 512]}
    bias = {"dtype": "F32", "shape": [16], "data_offsets": [512, 576]}
    return {"weight": {**weight, **changes}, "bias": bias}


def _pickled(path: Path, canary: Path) -> None:
    path.write_bytes(pickle.dumps(Evil(canary)))


SAFETENSORS: dict[str, Writer] = {
    "a pickle": _pickled,
    "a header of 2^63 bytes": _safetensors(_layer(), size=1 << 63),
    "a header of 100 MB": _safetensors(b"{" + b" " * (100 << 20) + b"}"),
    "a header beyond the end": _safetensors(_layer(), size=100_000),
    "nested lists": _safetensors(b"[" * 500_000),
    "offsets backwards": _safetensors(_layer(data_offsets=[512, 0])),
    "offsets that overlap": _safetensors(_layer(data_offsets=[64, 576])),
    "offsets beyond the end": _safetensors(_layer(data_offsets=[0, 1 << 60])),
    "a shape beyond integers": _safetensors(_layer(shape=[1 << 62, 4])),
    "a shape below zero": _safetensors(_layer(shape=[-16, 8])),
    "an unknown type": _safetensors(_layer(dtype="PYOBJECT")),
    "another shape": _safetensors(_layer(shape=[8, 16])),
    "another type": _safetensors(_layer(dtype="I32")),
    "NaN": _safetensors(_layer(), body=np.full(144, np.nan, "<f4").tobytes()),
    "infinite": _safetensors(_layer(), body=np.full(144, np.inf, "<f4").tobytes()),
    "a tensor more": _safetensors(
        {**_layer(), "x": {"dtype": "F32", "shape": [0], "data_offsets": [576, 576]}}
    ),
}


def _parquet(columns: Callable[[], Mapping[str, Any]], **options: Any) -> Writer:
    def write(path: Path, canary: Path) -> None:
        pq.write_table(pa.table(dict(columns())), path, **options)

    return write


def _parquet_class(path: Path, canary: Path) -> None:
    """Name a type that unpickles itself, as CVE-2023-47248 did."""
    about = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Evil(canary)),
    }
    field = pa.field("a", pa.int64(), metadata=about)
    table = pa.table([pa.array([1, 2])], schema=pa.schema([field]))
    pq.write_table(table, path)


def _no_end(path: Path, canary: Path) -> None:
    path.write_bytes(b"PAR1" + b"\xff" * 64 + struct.pack("<I", 0x7FFFFFFF) + b"PAR1")


PARQUET: dict[str, Writer] = {
    "a pickle": _pickled,
    "a type that is a pickle": _parquet_class,
    "pickles as bytes": _parquet(lambda: {"a": [pickle.dumps(_Plain())] * 3}),
    "lists": _parquet(lambda: {"a": [[1, 2], [3]]}),
    "a number ten million times": _parquet(
        lambda: {"a": pa.array(np.zeros(10_000_000))}
    ),
    "a long text 10,000 times": _parquet(lambda: {"a": ["x" * 10_000] * 10_000}),
    "5,000 columns": _parquet(lambda: {f"c{i}": [1] for i in range(5000)}),
    "a footer of 2 GB": _no_end,
}


class _Plain:
    pass


def _linked(link: str) -> Writer:
    def write(path: Path, canary: Path) -> None:
        secret = str(canary.with_name("secret.h5"))
        with h5py.File(path, "w") as new:
            if link == "external":
                new["tracks"] = h5py.ExternalLink(secret, "tracks")
            elif link == "storage":
                place = [(secret, 0, 1920)]
                new.create_dataset("tracks", (1, 2, 3, 40), "f8", external=place)
            else:
                new["tracks"] = h5py.SoftLink("/tracks")
            new["node_names"] = [b"a", b"b", b"c"]
            new["track_names"] = [b"one"]

    return write


def _hdf5_bomb(path: Path, canary: Path) -> None:
    with h5py.File(path, "w") as new:
        shape, chunk = (1, 2, 3, 1 << 30), (1, 2, 3, 1 << 16)
        new.create_dataset("tracks", shape, "f8", chunks=chunk, compression="gzip")
        new["node_names"] = [b"a", b"b", b"c"]
        new["track_names"] = [b"one"]


def _hdf5_attribute(path: Path, canary: Path) -> None:
    """pandas and PyTables unpickle attributes whenever a file is opened."""
    poses = np.zeros((40, 3))
    labels = [("dlc", "nose", c) for c in ("x", "y", "likelihood")]
    write_dlc_h5(path, poses, labels)
    evil = np.bytes_(pickle.dumps(Evil(canary), protocol=0))
    kept = ("CLASS", "PYTABLES_FORMAT_VERSION", "pandas_type", "pandas_version")
    with h5py.File(path, "r+") as file:
        found: list[Any] = [file]
        file.visititems(lambda _, item: found.append(item))
        for item in found:
            for name in {*item.attrs, "evil"} - {*kept}:
                item.attrs[name] = evil


HDF5: dict[str, Writer] = {
    "values in another file": _linked("external"),
    "values in any file": _linked("storage"),
    "a link to itself": _linked("soft"),
    "zeros without end": _hdf5_bomb,
}
PICKLED: dict[str, Writer] = {"pickles as attributes": _hdf5_attribute}


def _text(content: str) -> Writer:
    def write(path: Path, canary: Path) -> None:
        path.write_text(content.replace("SECRET", str(canary.with_name("secret.txt"))))

    return write


_LIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://SECRET\n"
VIDEO: dict[str, Writer] = {
    "a list of other files": _text(_LIST + "#EXT-X-ENDLIST\n"),
    "a list of computers": _text(_LIST.replace("file://", "http://127.0.0.1:9")),
    "a script of files": _text("ffconcat version 1.0\nfile 'SECRET'\n"),
    "a filter": _text("movie=SECRET,drawtext=textfile=SECRET"),
    "an address": _text("rtsp://127.0.0.1:9/x"),
    "drawn text": _text('<svg xmlns="http://www.w3.org/2000/svg"><image href="x"/>'),
}


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * min((width + 1) * height, 32 << 20))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def _sqlite(script: str) -> Callable[[Path], bytes]:
    """Change a good file of annotations by SQL."""

    def make(canary: Path) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = KINDS["annotations.sqlite"].make(Path(folder))
            connection = sqlite3.connect(path)
            for (name,) in connection.execute(_TRIGGERS).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.executescript(script.replace("CANARY", str(canary)))
            connection.close()
            return path.read_bytes()

    return make


_ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, "
)
_BOUT = (
    "'r' AS recording, 1 AS action_id, 1 AS state, 0.0 AS start_s, 1.0 AS stop_s, "
    "1 AS rater_id, 'human' AS source, NULL AS run, NULL AS confidence, "
    "'' AS created_utc, 1 AS revision, 0 AS deleted, 1 AS event_id FROM n"
)
SQLITE = {
    "bouts that never end": "PRAGMA foreign_keys=OFF; DROP TABLE bouts; "
    f"CREATE VIEW bouts AS {_ENDLESS}{_BOUT};",
    "a log that never ends": "DROP TABLE events; CREATE VIEW events AS "
    f"{_ENDLESS}'' AS utc, '' AS client, '' AS app, '' AS rater, '' AS command, "
    "'[]' AS before, '[]' AS after, NULL AS undoes FROM n;",
    "an edit that edits more": "CREATE TRIGGER protect_9 AFTER INSERT ON bouts "
    "BEGIN UPDATE bouts SET deleted = 1; END;",
    "one of our triggers, doing more": "CREATE TRIGGER protect_1 BEFORE DELETE ON "
    "events BEGIN UPDATE bouts SET deleted = 1; END;",
    "a newer version": "UPDATE meta SET value = '999';",
    "a version that is no number": "UPDATE meta SET value = 'x; DROP TABLE bouts';",
    "bouts of nobody": "PRAGMA foreign_keys=OFF; UPDATE bouts SET rater_id = 99;",
    "bouts at no time": "PRAGMA ignore_check_constraints=ON; "
    "UPDATE bouts SET start_s = 9e999;",
    "a log that is no JSON": "UPDATE events SET after = '{';",
    "a nested log": "UPDATE events SET after = "
    "replace(hex(zeroblob(100000)), '00', '[');",
    "no tables": "DROP TABLE events; DROP TABLE bouts;",
}


def archive_files() -> Iterator[File]:
    """Yield every binary file that is made to do harm."""
    groups: tuple[tuple[str, str, str, dict[str, Any], dict[str, Writer]], ...] = (
        ("npz", "a.npz", "read", {**_RATE, "reader": "npz"}, NPZ),
        ("safetensors", "a.safetensors", "weights", {}, SAFETENSORS),
        ("parquet", "a.parquet", "parquet", {}, PARQUET),
        ("hdf5", "a.h5", "read", {**_RATE, "reader": "sleap"}, HDF5),
        ("hdf5", "a.h5", "read", {**_RATE, "reader": "deeplabcut_h5"}, PICKLED),
        ("video", "a.mp4", "read", {"reader": "video"}, VIDEO),
        ("video", "a.avi", "read", {}, VIDEO),
    )
    for kind, file, trial, arguments, writers in groups:
        for name, writer in writers.items():
            shown = name if file != "a.avi" else f"{name}, any reader"
            outcome = "opened" if name in _HONEST.get(kind, ()) else "refused"
            yield kind, shown, file, _bytes_of(writer), trial, arguments, outcome
    yield (
        "video",
        "a picture of 60,000 x 60,000",
        "a.png",
        lambda _: _png(60_000, 60_000),
        "read",
        {**_RATE, "reader": "video"},
        "refused",
    )
    for name, script in SQLITE.items():
        made = _sqlite(script)
        yield "sqlite", name, "annotations.sqlite", made, "annotations", {}, "refused"


_HONEST = {"parquet": ("a type that is a pickle",)}
"""What is read all the same: the harmful part is left out."""


def _bytes_of(writer: Writer) -> Callable[[Path], bytes]:
    """Return the content that a writer writes."""

    def make(canary: Path) -> bytes:
        place = canary.parent / "made"
        place.mkdir(exist_ok=True)
        writer(place / "a", canary)
        return (place / "a").read_bytes()

    return make
