"""A process that helps to train, ``python -m ...training.rank_process JSON``.

Started by rank 0 (see ``ranks.py``); it computes its share of every batch, writes
nothing and ends when rank 0 does.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import torch

from napari_neuroembed.config import load_config
from napari_neuroembed.data.project import Project
from napari_neuroembed.store.run_folder import CONFIG, RunFolder
from napari_neuroembed.training.checkpoint import steps_in
from napari_neuroembed.training.loop import TrainingState, train_steps
from napari_neuroembed.training.memory import freed_blocks_kept
from napari_neuroembed.training.ranks import READY, Place, connect, leave
from napari_neuroembed.training.run import restore
from napari_neuroembed.training.setup import (
    common_mask,
    fabric_of,
    prepare,
    set_threads,
)


def main(argument: str) -> int:
    """Help with one training to its end."""
    told = json.loads(argument)
    threading.Thread(target=_end_with_rank_0, daemon=True).start()
    project = Project.open(told["project"])
    folder = RunFolder.open(project.runs_folder / told["run"])
    config = load_config(folder.path / CONFIG)
    set_threads(config)
    place = Place(told["rank"], told["size"], told["port"])
    recordings = [project.prepared(i) for i in project.recording_ids()]
    fabric = fabric_of(recordings, config, place)
    setup = prepare(
        recordings,
        config,
        common_mask(project),
        device=fabric.device,
        place=place,
        is_begun=bool(steps_in(folder.checkpoints)),
    )
    method = setup.parts.method
    state = TrainingState(method, method.optimizer())
    if steps_in(folder.checkpoints):
        restore(folder, setup, state)
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()
    connect(fabric)
    set_threads(config)
    with freed_blocks_kept():
        for _ in train_steps(state, setup.batches.draw, fabric):
            pass
    leave()
    return 0


def _end_with_rank_0() -> None:
    """Wait for the pipe from rank 0 to close, and end at once: nothing is lost."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1]))
