"""When the embedding of an animal that a training never saw can be trusted.

    python -m benchmarks.new_animals twins --seeds 110 111 112

Makes eight synthetic animals per seed, trains on four of them, and embeds the other
four as they are and with something wrong with their images. Actions of each are read by
a probe fitted on the four of the training. What that is worth, beside the same among
the training's own animals, is what the report cannot know and must warn of.
Prints how often it warned rightly and wrongly, and writes ``new_animals.csv``.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

import napari_neuroembed as ne
from napari_neuroembed.config import twin, with_settings
from napari_neuroembed.data.derived import read_mask
from napari_neuroembed.data.recording import Recording, Stream
from napari_neuroembed.data.windows import window_seconds
from napari_neuroembed.evaluation.collect import window_actions
from napari_neuroembed.evaluation.embed import embed
from napari_neuroembed.evaluation.new_animal import Windows, judge
from napari_neuroembed.evaluation.raw import pose_windows
from napari_neuroembed.evaluation.scaling import Scaler
from napari_neuroembed.methods import as_defined
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.preprocessing.mask import common_mask as mask_of_all
from napari_neuroembed.training.loop import TrainingState, make_fabric, train_steps
from napari_neuroembed.training.model import Model
from napari_neuroembed.training.setup import prepare

N_TRAINED, N_NEW = 4, 4
WORTHLESS, GOOD = 0.5, 0.7
"""Below and above: what an animal is worth, in what the training's animals are."""

Frames = NDArray[np.float32]
Change = Callable[[Frames, np.random.Generator], NDArray[np.floating]]


def _noise(x: Frames, rng: np.random.Generator, times: float) -> NDArray[np.floating]:
    return x + rng.normal(size=x.shape) * x.std(axis=0).mean() * times


CHANGES: dict[str, Change] = {
    "as it is": lambda x, _: x,
    "upside down": lambda x, _: x[:, ::-1],
    "turned by 90 degrees": lambda x, _: np.rot90(x, 1, (1, 2)),
    "moved 2 of 16 px": lambda x, _: np.roll(x, 2, 1),
    "moved 4 of 16 px": lambda x, _: np.roll(x, 4, 2),
    "noise twice as strong": lambda x, rng: _noise(x, rng, 1.7),
    "noise five times": lambda x, rng: _noise(x, rng, 5.0),
    "out of focus": lambda x, _: ndimage.gaussian_filter(x, (0, 2, 2)),
    "nothing but noise": lambda x, rng: (
        rng.normal(size=x.shape) * x.std(axis=0) + x.mean(axis=0)
    ),
    "clock wrong by half": lambda x, _: np.roll(x, len(x) // 2, 0),
    "three times brighter": lambda x, _: x * 3,
    "slower indicator": lambda x, _: ndimage.uniform_filter1d(x, 24, 0),
}
"""What can be wrong with an animal."""

SETTINGS = {
    "guenel2022": ("guenel2022", 1.0, "none"),
    "guenel2022, half the gap": ("guenel2022", 0.5, "none"),
    "guenel2022, z-score": ("guenel2022", 1.0, "zscore_animal"),
    "simclr": ("simclr", 1.0, "none"),
}
"""Method, gap between animals, normalisation."""


def project_of(folder: Path, seed: int, gap: float) -> ne.Project:
    """Make, or open, eight pre-processed animals."""
    path = folder / f"g{gap:g}_s{seed}"
    if not (path / "project.yaml").exists():
        options = SyntheticOptions(
            seed=seed, gap=gap, video=0, n_animals=N_TRAINED + N_NEW, n_recordings=6
        )
        ne.make_synthetic_project(path, options=options)
    project = ne.Project.open(path)
    project.preprocess(workers=1)
    return project


def train(
    project: ne.Project, recordings: Sequence[Recording], method: str, *settings: str
) -> Model:
    """Train on some recordings of a project, in memory."""
    config = as_defined(with_settings(twin(), settings), method)
    mask = mask_of_all([read_mask(project.derived_folder(r.id)) for r in recordings])
    setup = prepare(recordings, config, mask)
    trained = setup.parts.method
    state = TrainingState(trained, trained.optimizer())
    for _ in train_steps(state, setup.batches.draw, make_fabric(config.training)):
        pass
    setup.parts.eval()
    return Model(setup.parts, config, setup.data.index.streams, state.step)


@dataclasses.dataclass(frozen=True)
class Embedded:
    """Windows of one animal with their actions."""

    windows: Windows
    action: NDArray[np.str_]


def embedded(model: Model, recordings: Sequence[Recording]) -> Embedded:
    """Embed one animal as the product does."""
    made = embed(model, recordings)
    known = {r.id: r for r in recordings}
    length = window_seconds(model.config.windows, recordings[0], "neural")
    action = window_actions(made.windows, known, model.config.windows, length)
    poses = [
        pose_windows(model, r, made.windows[made.windows["recording"] == r.id])
        for r in recordings
    ]
    pose = np.concatenate([p for p in poses if p is not None]).astype(np.float64)
    h = made.arrays["neural"].astype(np.float64)
    return Embedded(Windows(h, pose), action.astype(str))


def worth(train: Sequence[Embedded], test: Embedded) -> float:
    """Return the balanced accuracy of a probe fitted on other animals, over chance."""
    x = np.concatenate([one.windows.h for one in train]).astype(np.float32)
    y = np.concatenate([one.action for one in train])
    scaler = Scaler.fit(x)
    probe = LogisticRegression(max_iter=300).fit(scaler.apply(x)[y != ""], y[y != ""])
    known = test.action != ""
    guess = probe.predict(scaler.apply(test.windows.h.astype(np.float32))[known])
    accuracy = balanced_accuracy_score(test.action[known], guess)
    return float(accuracy) - 1 / len(probe.classes_)


def changed(recording: Recording, change: Change, seed: int) -> Recording:
    """Return a recording with something wrong with its images."""
    stream = recording.streams["neural"]
    frames = np.array(stream.data[:], dtype=np.float32)
    lost = ~np.isfinite(frames).all(axis=(1, 2))  # not valid; a change would spread it
    frames[lost] = frames[~lost].mean(axis=0)
    data = change(frames, np.random.default_rng(seed)).astype(np.float32)
    wrong = Stream("neural", data, stream.time, stream.valid, facts=stream.facts)
    return dataclasses.replace(
        recording, streams={**recording.streams, "neural": wrong}
    )


def measure(folder: Path, seed: int, setting: str) -> list[dict[str, object]]:
    """Return one row per new animal and change."""
    method, gap, normalise = SETTINGS[setting]
    project = project_of(folder, seed, gap)
    ids = project.recording_ids()  # one with many unaligned frames was refused
    prepared = [i for i in ids if project.derived_folder(i).is_dir()]
    recordings = project.prepared_recordings(prepared)
    animals = list(dict.fromkeys(r.animal for r in recordings))
    of = {a: [r for r in recordings if r.animal == a] for a in animals}
    trained = animals[:N_TRAINED]
    model = train(
        project,
        [r for a in trained for r in of[a]],
        method,
        f"seed={seed}",
        f"normalise={normalise}",
        "training.threads=1",
    )
    known = {a: embedded(model, of[a]) for a in trained}
    reference = float(
        np.mean(
            [worth([known[b] for b in trained if b != a], known[a]) for a in trained]
        )
    )
    training = {a: one.windows.prepared() for a, one in known.items()}
    rows: list[dict[str, object]] = []
    for animal in animals[N_TRAINED:]:
        for name, change in CHANGES.items():
            new = embedded(model, [changed(r, change, seed) for r in of[animal]])
            verdict, _ = judge(animal, new.windows.prepared(), training)
            alone = dataclasses.replace(new.windows, pose=None)
            without, _ = judge(animal, alone.prepared(), training)
            rows.append(
                {
                    "seed": seed,
                    "setting": setting,
                    "animal": animal,
                    "change": name,
                    "worth": worth(list(known.values()), new) / reference,
                    "distance": verdict.distance / verdict.distance_reference,
                    "readout": verdict.readout / verdict.readout_reference,
                    "trusted": verdict.trusted,
                    "trusted_by_distance": without.trusted,
                }
            )
    return rows


def rates(rows: pd.DataFrame, column: str) -> dict[str, str]:
    """Return how often worthless animals were missed, and good ones warned of."""
    warned = rows[column] == False  # noqa: E712 - None is no warning
    bad, good = rows["worth"] < WORTHLESS, rows["worth"] >= GOOD
    return {
        "worthless, not warned of": _share(bad & ~warned, bad),
        "good, warned of": _share(good & warned, good),
    }


def _share(some: pd.Series, of: pd.Series) -> str:
    return f"{some.sum()} of {of.sum()} ({some.sum() / max(1, of.sum()):.1%})"


def main() -> None:
    """Run the benchmark and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[110, 111, 112])
    parser.add_argument(
        "--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS)
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = args.folder / "new_animals.csv"
    found = pd.read_csv(table) if table.exists() else pd.DataFrame()
    for seed in args.seeds:
        for setting in args.settings:
            if (
                len(found)
                and ((found["seed"] == seed) & (found["setting"] == setting)).any()
            ):
                continue
            rows = pd.DataFrame(measure(args.folder, seed, setting))
            found = pd.concat([found, rows], ignore_index=True)
            found.to_csv(table, index=False)
            print(f"seed {seed}, {setting}: done", flush=True)
    chosen = found[found["seed"].isin(args.seeds)]
    shown = chosen.groupby("change", sort=False)[["worth", "readout", "distance"]]
    print(shown.mean().round(2).to_string())
    for setting, rows in [*chosen.groupby("setting", sort=False), ("all", chosen)]:
        print(setting, "| by read-out:", rates(rows, "trusted"))
        still = rows[rows["change"] != "clock wrong by half"]
        print(setting, "| by distance:", rates(still, "trusted_by_distance"))


if __name__ == "__main__":
    main()
