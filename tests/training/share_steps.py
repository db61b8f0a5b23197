"""Take steps of a training as one of several processes, in float64, and save them.

``python share_steps.py METHOD RANK SIZE PORT FILE``
"""

from __future__ import annotations

import dataclasses
import sys

import torch
from lightning_fabric import Fabric
from tests.prepared import make_recording

from napari_neuroembed.config import RunConfig, twin, with_settings
from napari_neuroembed.methods import as_defined
from napari_neuroembed.methods.base import Batch
from napari_neuroembed.training.loop import TrainingState, together, train_steps
from napari_neuroembed.training.ranks import Place, connect, leave
from napari_neuroembed.training.setup import prepare

STEPS = 3


def make_config(method: str) -> RunConfig:
    """Noise differs from process to process and is left out, nothing else is."""
    settings = ["training.steps=10", "training.batch_size=16", "training.log_every=1"]
    settings += ["augmentation.gaussian_noise.p=0", "augmentation.poisson_noise.p=0"]
    settings += ["method_options.negatives=same_animal"] * (method == "guenel2022")
    settings += ["method_options.states=[2]"]
    return as_defined(with_settings(twin(), settings), method)


def main(method: str, rank: int, size: int, port: int, file: str) -> None:
    torch.set_num_threads(1)
    kind = "trace" if method == "simclr_views" else "neural"
    recordings = [
        make_recording(f"{animal}_{i}", animal, 10 * a + 3 * i + a, kind=kind)
        for a, animal in enumerate(("fly1", "fly2"))
        for i in range(3)
    ]
    place = Place(rank, size, port)
    strategy = together(place, kind == "trace") if size > 1 else "auto"
    fabric = Fabric(accelerator="cpu", devices=size, strategy=strategy)
    setup = prepare(recordings, make_config(method), None, place=place)
    trained = setup.parts.method.double()
    state = TrainingState(trained, trained.optimizer())
    gradients: list[dict[str, torch.Tensor]] = []

    def stop() -> bool:
        gradients.append(
            {
                name: p.grad.clone()
                for name, p in trained.named_parameters()
                if p.grad is not None
            }
        )
        return state.step == STEPS

    connect(fabric)
    steps = train_steps(
        state, lambda step: double(setup.batches.draw(step)), fabric, should_stop=stop
    )
    losses = [report.terms for report in steps]
    leave()
    saved = {"losses": losses, "gradients": gradients, "state": trained.state_dict()}
    torch.save(saved, file)


def double(batch: Batch) -> Batch:
    """Return the same windows in float64, so that differences are not rounding."""
    values = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    return Batch(
        **{
            name: v.double() if v is not None and v.is_floating_point() else v
            for name, v in values.items()
        }
    )


if __name__ == "__main__":
    method, *numbers, file = sys.argv[1:]
    main(method, *map(int, numbers), file)
