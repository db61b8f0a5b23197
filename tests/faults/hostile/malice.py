"""Files that are made to do harm: to run code, reach elsewhere, fill memory, never end.

Whoever opens one carelessly leaves a canary, a file that must not appear, or tells
the secret that lies beside it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tests.data.fixtures.prairie_files import Series, write_prairie
from tests.data.fixtures.prairie_files import movie as prairie_movie
from tests.data.fixtures.table_files import Evil, tuple_bomb
from tests.data.fixtures.thor_files import thor_stack, write_raw
from tests.faults.hostile.archives import archive_files
from tests.faults.hostile.documents import document_files, xmls
from tests.faults.hostile.kinds import KINDS, TRIALS

Content = bytes | str
SECRET = "the secret of another person"


@dataclass(frozen=True)
class Malice:
    """One file made to do harm.

    Parameters
    ----------
    kind, name
        The kind of file, and what it tries.
    make
        Writes it into a folder, given the place of the canary; returns its path.
    trial, arguments
        How it is opened in the sandbox.
    outcome
        ``refused``, or ``opened`` where an honest part is read and the rest is not.
    told
        The finding that must be told of it.
    """

    kind: str
    name: str
    make: Callable[[Path, Path], Path]
    trial: str = "read"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = "refused"
    told: str = ""

    def call(self, path: Path) -> tuple[str, dict[str, Any]]:
        """Return the trial of the file and its arguments."""
        many = self.trial in ("read", "command")
        place: dict[str, Any] = {"paths": [str(path)]} if many else {"path": str(path)}
        return f"{TRIALS}:{self.trial}", {**place, **self.arguments}


def lay_secret(folder: Path) -> None:
    """Lay a text and an HDF5 file there that nobody may read by way of a file."""
    (folder / "secret.txt").write_text(SECRET, encoding="utf-8")
    with h5py.File(folder / "secret.h5", "w") as secret:
        secret["tracks"] = np.zeros((1, 2, 3, 40))
        secret["key"] = SECRET


def elsewhere(folder: Path, path: Path) -> list[Path]:
    """Return all files of a folder but the opened one and what SQLite lays beside."""
    own = {path.with_name(path.name + end) for end in ("", "-wal", "-shm")}
    return sorted({*folder.rglob("*")} - own)


class _Call:
    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        function, *arguments = self.call
        return function, tuple(arguments)


class _Late:
    """Runs when its state is set, not when it is made."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return _Plain, (), self.canary, None, None, Path.touch


class _Plain:
    pass


def _pickles(canary: Path) -> Iterator[tuple[str, bytes]]:
    """Name every way into a pickle that we know of."""
    write = f"open({str(canary)!r}, 'w')"
    text = str(canary).encode()
    yield "a call", pickle.dumps(Evil(canary))
    yield "a call deep inside", pickle.dumps({"f": [("a", {"b": Evil(canary)})]})
    yield "eval", pickle.dumps(_Call(eval, write))
    yield "exec", pickle.dumps(_Call(exec, write))
    yield "through the state", pickle.dumps(_Late(canary))
    yield "through an array of objects", pickle.dumps(np.array([Evil(canary)], object))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield f"protocol {protocol}", pickle.dumps([Evil(canary)], protocol=protocol)
    yield "os.system by INST", b"(S'touch " + text + b"'\niposix\nsystem\n."
    yield "os.system by OBJ", b"(cposix\nsystem\nS'touch " + text + b"'\no."
    parts = b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR"
    yield "getattr of a module", parts + b"(S'touch " + text + b"'\ntR."
    yield "dotted name", b"\x80\x04\x8c\x05numpy\x8c\tos.system\x93(\x8c\x01atR."
    yield "an extension code", b"\x80\x02\x82\x01."
    yield "a pointer elsewhere", b"Pfile:///etc/passwd\n."
    runner = b"cnumpy.testing._private.utils\nrunstring\n(S'" + write.encode()
    yield "numpy's own runner", runner.replace(b"'", b'"') + b'"\n}tR.'
    yield "import of a module", b"cantigravity\nfly\n."
    yield "attributes by getattr", pickle.dumps(_Call(getattr, "", "join"))
    yield "a state for a type", b"cnumpy\nndarray\n}S'x'\nI1\nsb."
    yield (
        "many bytes declared",
        b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little") + b".",
    )
    yield "a frame without end", b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f."
    yield "a long number of digits", b"I" + b"9" * 1_000_000 + b"\n."
    yield "nested lists", b"]" * 2_000_000 + b"a" * 1_999_999 + b"."
    yield "memo far away", b"\x80\x02]r\xff\xff\xff\x7f."
    yield "tuples of tuples", tuple_bomb()


def pickle_files() -> Iterator[Malice]:
    """Yield pickles as such, and inside the arrays and settings that may hold one."""
    names = [name for name, _ in _pickles(Path("canary"))]
    for name in names:

        def content(canary: Path, name: str = name) -> bytes:
            return next(made for own, made in _pickles(canary) if own == name)

        yield Malice("pickle", name, _written("a.pkl", content), "unpickle")
        yield Malice("pickle", f"{name}, any reader", _written("a.pkl", content))
        yield Malice("npy", name, _written("a.npy", _as_npy(content)))
        yield Malice("npy", f"{name}, suite2p", _suite2p(_as_npy(content)))
    settings = _suite2p(_as_npy(lambda canary: pickle.dumps({"evil": Evil(canary)})))
    given = {"reader": "suite2p", "rate_hz": 10.0}
    yield Malice(
        "npy", "settings left out", settings, "read", given, "opened", "suite2p.ops"
    )


def _as_npy(content: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    """Put a pickle where numpy keeps an array of objects."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += b" " * (117 - len(header)) + b"\n"

    def make(canary: Path) -> bytes:
        size = len(header).to_bytes(2, "little")
        return b"\x93NUMPY\x01\x00" + size + header + content(canary)

    return make


def _suite2p(content: Callable[[Path], bytes]) -> Callable[[Path, Path], Path]:
    def make(folder: Path, canary: Path) -> Path:
        settings = KINDS["suite2p ops.npy"].make(folder)
        settings.write_bytes(content(canary))
        return settings.parent

    return make


def npy_files() -> Iterator[Malice]:
    """Yield arrays whose header lies."""
    headers = {
        "a shape beyond memory": "{'descr': '<f8', 'fortran_order': False, "
        "'shape': (1000000, 1000000)}",
        "a shape beyond integers": "{'descr': '<f8', 'fortran_order': False, "
        "'shape': (4611686018427387904, 4)}",
        "a shape below zero": "{'descr': '<f8', 'fortran_order': False, "
        "'shape': (-1, 4)}",
        "no bytes at all": "{'descr': '<V0', 'fortran_order': False, "
        "'shape': (1000000000, 4)}",
        "code in the header": "__import__('os').system('touch CANARY')",
        "nested brackets": "[" * 60_000,
        "a number of 60,000 digits": "9" * 60_000,
        "an unknown type": "{'descr': [('a', 'O')], 'fortran_order': False, "
        "'shape': (2,)}",
        "a type of types": "{'descr': [('a', [('b', [('c', '<f8')])])], "
        "'fortran_order': False, 'shape': (4, 4)}",
        "too few keys": "{'descr': '<f8'}",
    }
    for name, text in headers.items():

        def content(canary: Path, text: str = text) -> bytes:
            header = text.replace("CANARY", str(canary)).encode() + b"\n"
            size = len(header).to_bytes(4, "little")
            return b"\x93NUMPY\x02\x00" + size + header + b"\0" * 256

        yield Malice(
            "npy", name, _written("a.npy", content), arguments={"rate_hz": 10.0}
        )


def xml_files() -> Iterator[Malice]:
    """Yield the settings of microscopes, beside the stack that they describe."""
    for reader, (root, make_folder) in _MICROSCOPES.items():
        for name in xmls(root, Path("canary")):

            def make(
                folder: Path,
                canary: Path,
                name: str = name,
                root: str = root,
                make_folder: Callable[[Path], Path] = make_folder,
            ) -> Path:
                settings = make_folder(folder / "scan")
                content = xmls(root, canary)[name]
                made = content.encode() if isinstance(content, str) else content
                settings.write_bytes(made)
                return settings.parent

            yield Malice("xml", f"{name}, {reader}", make, "read", {"reader": reader})


def _prairie(folder: Path) -> Path:
    write_prairie(folder, Series(frames=prairie_movie(6)))
    return folder / f"{folder.name}.xml"


def _thor(folder: Path) -> Path:
    return write_raw(folder, thor_stack()) / "Experiment.xml"


_MICROSCOPES = {
    "prairie": ("PVScan", _prairie),
    "thor_raw": ("ThorImageExperiment", _thor),
}


def _written(
    name: str, content: Callable[[Path], Content]
) -> Callable[[Path, Path], Path]:
    def make(folder: Path, canary: Path) -> Path:
        made = content(canary)
        path = folder / name
        path.write_bytes(made.encode() if isinstance(made, str) else made)
        return path

    return make


def _from(files: Any) -> Iterator[Malice]:
    for kind, name, file_name, content, trial, arguments, outcome in files:
        make = _written(file_name, content)
        yield Malice(kind, name, make, trial, arguments, outcome)


def every_malice() -> tuple[Malice, ...]:
    """Return all of them, in a fixed order."""
    return (
        *pickle_files(),
        *npy_files(),
        *xml_files(),
        *_from(document_files()),
        *_from(archive_files()),
    )
