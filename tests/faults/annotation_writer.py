"""A process that edits annotations and says on disk what was acknowledged."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

from napari_neuroembed.data.annotations.store import AnnotationStore, Conflict


def write_edits(path: str, log: str, rater: str, seed: int, n_edits: int) -> None:
    """Make mixed edits; after each one that returned, append a line to `log`."""
    draw = random.Random(seed)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with AnnotationStore.open(path) as store:
        for number in range(n_edits):
            said = _edit(store, rater, draw, number)
            if said is not None:
                os.write(out, (json.dumps(said) + "\n").encode())
    os.close(out)


def acknowledged(log: Path) -> list[dict[str, object]]:
    """Return what a writer said, without a last line that was cut."""
    if not log.exists():
        return []
    lines = log.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def _edit(
    store: AnnotationStore, rater: str, draw: random.Random, number: int
) -> dict[str, object] | None:
    kind = draw.choice(["add", "add", "add", "change", "remove", "undo", "redo"])
    table = store.bouts("shared") if kind in ("change", "remove") else None
    try:
        if kind == "add" or (table is None and kind in ("change", "remove")):
            start = number + draw.random()
            bout = store.add("shared", "sniff", start, start + 5, rater=rater)
        elif kind in ("undo", "redo"):
            text = store.undo(rater) if kind == "undo" else store.redo(rater)
            return {"op": kind} if text else None
        elif table is None or table.empty:
            return None
        else:
            row = table.iloc[draw.randrange(len(table))]
            number, revision = int(row["id"]), int(row["revision"])
            if kind == "change":
                stop = float(row["stop_s"]) + draw.random()
                bout = store.change(number, revision, rater=rater, stop_s=stop)
            else:
                bout = store.remove(number, revision, rater=rater)
    except Conflict:
        return None
    return {"op": kind, "id": bout.id, "revision": bout.revision}
