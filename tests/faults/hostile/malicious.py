"""Files that want to run code, read a secret, or fill memory when they are opened.

Each maker gets a folder and the path of a canary, which comes to be when code runs,
and returns the file to be opened. A secret lies beside them.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from tests.data.fixtures.table_files import Evil, write_suite2p
from tests.faults.hostile.kinds import TRIALS, values_of

SECRET = "the secret of another person"
Maker = Callable[[Path, Path], Path]


@dataclass(frozen=True)
class Malice:
    """One malicious file and how it is opened.

    Parameters
    ----------
    make
        ``(folder, canary) -> path``.
    trial, arguments
        As of :class:`tests.faults.hostile.kinds.Kind`.
    """

    make: Maker
    trial: str = "read"
    reader: str = ""
    whole: bool = False

    def call(self, path: Path) -> tuple[str, dict[str, object]]:
        """Return the trial of the file and its arguments."""
        if self.trial != "read":
            return f"{TRIALS}:{self.trial}", {"path": str(path)}
        paths = [str(path.parent if self.whole else path)]
        given = {"paths": paths, "reader": self.reader, "rate_hz": 10.0}
        return f"{TRIALS}:read", given


def _bytes(name: str, content: Callable[[Path], bytes]) -> Maker:
    def make(folder: Path, canary: Path) -> Path:
        (folder / name).write_bytes(content(canary))
        return folder / name

    return make


def _dumps(protocol: int) -> Callable[[Path], bytes]:
    return lambda canary: pickle.dumps({"RF_leg": Evil(canary)}, protocol=protocol)


def _system(canary: Path) -> bytes:
    """Name a function of os by hand, as scanners of modules look for it."""
    return b"cposix\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR."


def _getattr(canary: Path) -> bytes:
    """Reach it through builtins.getattr and __import__."""
    parts = b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR"
    return parts + b"(S'touch " + str(canary).encode() + b"'\ntR."


def _numpy_reduce(canary: Path) -> bytes:
    """Hide it in the state of an object array."""
    array = np.empty(1, dtype=object)
    array[0] = Evil(canary)
    return pickle.dumps({"RF_leg": array})


def _memory(_: Path) -> bytes:
    """Ask for 2**62 bytes by the length of a bytes object."""
    return b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"a."


def _deep(_: Path) -> bytes:
    return b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b"."


def _laughs(_: Path) -> bytes:
    """Double a tuple 60 times: few bytes, 2**60 elements for whoever walks it."""
    return b"\x80\x04)" + b"q\x00h\x00\x86" * 60 + b"."


def _objects(folder: Path, canary: Path) -> Path:
    array = np.empty(3, dtype=object)
    array[:] = [Evil(canary)] * 3
    np.save(folder / "a.npy", array, allow_pickle=True)
    return folder / "a.npy"


def _objects_npz(folder: Path, canary: Path) -> Path:
    array = np.empty(3, dtype=object)
    array[:] = [Evil(canary)] * 3
    np.savez(folder / "a.npz", pose=np.zeros((40, 4, 2)), names=array)
    return folder / "a.npz"


def _huge_npy(_: Path) -> bytes:
    header = (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"
    )
    head = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(64)


def _code_in_npy(canary: Path) -> bytes:
    """Put a call where the header's dict belongs; eval would make it."""
    header = f"__import__('pathlib').Path({str(canary)!r}).touch() or {{}}"
    head = header.ljust(201).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(64)


def _zip_bomb(folder: Path, canary: Path) -> Path:
    del canary
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": "<f8", "fortran_order": False, "shape": (1 << 26, 4)}
    )
    with (
        zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("pose.npy", "w", force_zip64=True) as member,
    ):
        member.write(content.getvalue())
        for _ in range(256):
            member.write(bytes(1 << 20))
    return folder / "a.npz"


def _climbing_npz(folder: Path, canary: Path) -> Path:
    content = io.BytesIO()
    np.save(content, np.zeros((40, 4)))
    with zipfile.ZipFile(folder / "a.npz", "w") as packed:
        packed.writestr("../../canary", b"out of the folder")
        packed.writestr(str(canary), b"at an absolute place")
        packed.writestr("pose.npy", content.getvalue())
    return folder / "a.npz"


def _ops(folder: Path, canary: Path) -> Path:
    f = values_of(5, 40).astype(np.float32)
    ops = {"fs": 10.0, "nframes": 40, "evil": Evil(canary)}
    write_suite2p(folder, f, f / 2, np.ones(5), ops)
    return folder / "suite2p" / "plane0" / "ops.npy"


def _pickled_weights(canary: Path) -> bytes:
    return pickle.dumps(Evil(canary))


def _long_weights(_: Path) -> bytes:
    return struct.pack("<Q", 1 << 62) + b"{}"


def _overlapping_weights(_: Path) -> bytes:
    tensor = {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 8]}
    header = json.dumps({"weight": tensor, "bias": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def _linked(folder: Path, canary: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as new:
        new["tracks"] = h5py.ExternalLink(str(canary.with_name("secret.h5")), "key")
        storage = [(str(canary.with_name("secret.txt")), 0, 24)]
        new.create_dataset("raw", (24,), "u1", external=storage)
    return folder / "a.h5"


def _yaml(canary: Path) -> bytes:
    call = f"!!python/object/apply:os.system ['touch {canary}']"
    return f"schema_version: 1\nname: {call}\nrecordings: []\n".encode()


def _yaml_laughs(_: Path) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 12):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]")
    return "\n".join(lines).encode()


def _xml(content: str) -> Maker:
    def make(folder: Path, canary: Path) -> Path:
        text = content.replace("SECRET", str(canary.with_name("secret.txt")))
        (folder / "Experiment.xml").write_text(text)
        (folder / "Image_001_001.raw").write_bytes(bytes(4096))
        return folder / "Experiment.xml"

    return make


LAUGHS = (
    '<!DOCTYPE z [<!ENTITY a0 "ha">%s]><ThorImageExperiment>&a30;</ThorImageExperiment>'
)
LAUGHS %= "".join(f'<!ENTITY a{i} "&a{i - 1};&a{i - 1};">' for i in range(1, 31))
OUTSIDE = (
    '<!DOCTYPE z [<!ENTITY x SYSTEM "file://SECRET">]>'
    "<ThorImageExperiment><User name='&x;'/>&x;</ThorImageExperiment>"
)

PLAYLIST = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile://{}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile '{}'\n"


def _list(name: str, text: str) -> Maker:
    return _bytes(
        name, lambda c: text.format(c.with_name("secret.txt").as_posix()).encode()
    )


MALICIOUS: dict[str, Malice] = {
    **{
        f"pickle, protocol {p}": Malice(_bytes("a.pkl", _dumps(p)), reader="df3d")
        for p in range(6)
    },
    "pickle of posix.system": Malice(_bytes("a.pkl", _system), "unpickle"),
    "pickle of getattr": Malice(_bytes("a.pkl", _getattr), "unpickle"),
    "pickle within an array": Malice(_bytes("a.pkl", _numpy_reduce), "unpickle"),
    "pickle that asks for memory": Malice(_bytes("a.pkl", _memory), "unpickle"),
    "pickle 200,000 deep": Malice(_bytes("a.pkl", _deep), reader="df3d"),
    "pickle that doubles": Malice(_bytes("a.pkl", _laughs), "unpickle"),
    "npy of objects": Malice(_objects, reader="npy"),
    "npy of 10**19 values": Malice(_bytes("a.npy", _huge_npy), reader="npy"),
    "npy with code for a header": Malice(_bytes("a.npy", _code_in_npy), reader="npy"),
    "npz of objects": Malice(_objects_npz, reader="npz"),
    "npz that unpacks to 2 GB": Malice(_zip_bomb, reader="npz"),
    "npz that climbs out": Malice(_climbing_npz, reader="npz"),
    "suite2p ops of objects": Malice(_ops, reader="suite2p", whole=True),
    "safetensors that is a pickle": Malice(
        _bytes("a.safetensors", _pickled_weights), "weights"
    ),
    "safetensors of 2**62 bytes": Malice(
        _bytes("a.safetensors", _long_weights), "weights"
    ),
    "safetensors that overlaps": Malice(
        _bytes("a.safetensors", _overlapping_weights), "weights"
    ),
    "hdf5 that names other files": Malice(_linked, "numbers_of_hdf5"),
    "project.yaml with a call": Malice(_bytes("project.yaml", _yaml), "project"),
    "project.yaml that doubles": Malice(
        _bytes("project.yaml", _yaml_laughs), "project"
    ),
    "json 100,000 deep": Malice(
        _bytes("a.json", lambda _: b"[" * 100_000), reader="json"
    ),
    "parquet that is a pickle": Malice(
        _bytes("a.parquet", _pickled_weights), "parquet"
    ),
    "xml that doubles": Malice(_xml(LAUGHS), reader="thor_raw", whole=True),
    "xml that reads a file": Malice(_xml(OUTSIDE), reader="thor_raw", whole=True),
    "video that is a playlist": Malice(_list("a.mp4", PLAYLIST), reader="video"),
    "video that is a list of files": Malice(_list("a.avi", CONCAT), reader="video"),
    "csv 10,000,000 wide": Malice(
        _bytes("a.csv", lambda _: b"a," * 10_000_000 + b"\n1\n"), reader="csv"
    ),
}
"""By name."""
TOLD = {"suite2p ops of objects": "suite2p.ops"}
"""What is opened without the malicious part, and the finding that says so."""
