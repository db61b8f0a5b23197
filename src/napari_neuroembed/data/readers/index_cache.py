"""Names for what a reader keeps of files that took long to look through."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path


def index_file(cache: Path, paths: Sequence[Path], what: str) -> Path:
    """Return where the index of some files is kept.

    The name depends on the paths, sizes and modification times of the files, so an
    index of files that changed since is never found again.

    Parameters
    ----------
    cache
        Folder of index files; each can be deleted at any time.
    paths
        Files the index belongs to.
    what
        Kind and version of the index, e.g. ``tiff 1``.
    """
    digest = hashlib.sha256(what.encode("utf-8"))
    for path in paths:
        state = path.stat()
        digest.update(f"\n{path.absolute()}\t{state.st_size}".encode())
        digest.update(f"\t{state.st_mtime_ns}".encode())
    return Path(cache) / f"{digest.hexdigest()[:32]}.npz"
