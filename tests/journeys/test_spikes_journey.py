"""The recipe for spike times, as its page says it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from tests.journeys.command import done, neuroembed, scores, train

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how_to" / "spikes.md"


def test_a_rat_on_a_track_goes_through_the_recipe_of_its_page(shared_data, tmp_path):
    data, project = shared_data("rat_linear_track"), tmp_path / "rat"
    # 1. There is no reader for its files, which check says.
    told = neuroembed("check", data / "spikes.mat")
    assert "not read" in told.out
    # 2. The lines of the page make traces and signals of them.
    text = PAGE.read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "linear-track").symlink_to(data)
    made = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", recipe],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore::ResourceWarning"},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = made.stdout.strip()
    assert f"It prints `{printed}`" in text
    assert printed == "31 28829 118965 (19824, 31)"
    # 3. Shortened, so that the test is; imported on one clock.
    for name, key in (("spikes", "trace"), ("position", "scalar")):
        with np.load(tmp_path / f"{name}.npz") as arrays:
            kept = {k: v[3000:9000] if k == key else v for k, v in arrays.items()}
        np.savez(tmp_path / f"{name}.npz", **kept)
    words = ["import", project, "--trace", tmp_path / "spikes.npz", "--animal", "rat1"]
    words += ["--scalar", tmp_path / "position.npz", "--like", "scalar=trace"]
    told = done(*words, "--unit", "scalar=px")
    assert "trace: 6000x31 float32, 600.00 s at 10 Hz" in told.out
    assert "scalar: 6000x2 float64, 600.00 s at 10 Hz (as trace)" in told.out
    # 4. Position is decoded, beside raw counts and an untrained encoder.
    done("preprocess", project)
    windows = ("--set", "windows.neural_frames=10", "--set", "windows.neural_step=1")
    done(*train(project, "first", "--method", "simclr", *windows))
    done("evaluate", project, "first")
    table = scores(project, "first")
    rows = table[
        (table["task"] == "decode_single")
        & (table["target"] == "scalar:x")
        & (table["metric"] == "r2")
        & (table["probe"] == "ridge")
        & (table["stream"] == "neural")
    ].set_index("method")
    assert {"simclr", "raw", "random_encoder"} <= set(rows.index)
    assert rows["value"]["raw"] > 0.0  # cells with places know where the rat is
    assert float(rows["p"]["raw"]) <= 0.05
