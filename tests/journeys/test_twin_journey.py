"""Synthetic animals, from raw files to audited embeddings, as a scientist types it."""

from __future__ import annotations

import csv
import json
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.journeys.command import (
    contents,
    done,
    neuroembed,
    said_in,
    scores,
    start,
    train,
    until,
)

import napari_neuroembed as ne


def test_a_table_is_tried_then_imported_then_grown(lab, tmp_path):
    # 1. A table of the first recordings, looked at without writing anything.
    header, *rows = csv.reader((lab / "recordings.csv").read_text().splitlines())
    table = lab / "some.csv"
    write(table, header, rows[:3])
    project = tmp_path / "flies"
    told = done("import", project, "--table", table, "--dry-run")
    assert told.out.rstrip().endswith("3 checked")
    assert not project.exists()
    # 2. Imported.
    told = done("import", project, "--table", table)
    assert told.out.rstrip().endswith("3 imported")
    before = contents(project)
    # 3. The same again changes nothing.
    assert done("import", project, "--table", table).out.rstrip().endswith("3 present")
    assert contents(project) == before
    # 4. A longer table adds what is new.
    write(table, header, rows[:4])
    told = done("import", project, "--table", table)
    assert told.out.rstrip().endswith("3 present, 1 imported")
    # 5. Checked: clocks, labels, what comes next.
    told = done("check", project)
    assert "neuroembed preprocess" in told.out
    assert "4 recordings of 1 animal," in told.out
    table.unlink()


def write(table: Path, header: list[str], rows: list[list[str]]) -> None:
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_the_main_job_ends_in_scores_beside_chance_and_baselines(flies):
    # 1. Pre-processing again keeps what is there.
    assert done("preprocess", flies).out == "18 kept\n"
    # 2. Train, embed every training stride, evaluate.
    told = done(*train(flies, "first"))
    assert "neuroembed evaluate" in told.out
    done("embed", flies, "first")
    told = done("evaluate", flies, "first")
    assert "action, across animals" in told.out
    # 3. The table of scores.
    table = scores(flies, "first")
    valued = table[table["value"].notna()]
    identity = valued[(valued["task"] == "identity") & (valued["stream"] == "neural")]
    for method in ("guenel2022", "raw", "random_encoder"):
        probes = set(identity.loc[identity["method"] == method, "probe"])
        assert probes == {"linear", "knn", "mlp"}, method
    chance = pd.to_numeric(identity["chance"])
    accuracy = identity["metric"].str.contains("accuracy")
    assert chance[accuracy].between(0.3, 0.4).all()
    baselines = set(table.loc[table["is_baseline"].astype(str) == "True", "method"])
    assert {"raw", "random_encoder"} <= baselines
    for task in ("action_single", "action_multi", "decode_single", "decode_multi"):
        assert len(table[table["task"] == task]), task
    across = valued[(valued["task"] == "action_multi") & (valued["stream"] == "neural")]
    assert {"guenel2022", "raw", "random_encoder"} <= set(across["method"])
    assert set(across["held_out_animal"]) >= {"fly1", "fly2", "fly3"}
    empty = table[table["value"].isna()]
    assert (empty["note"] != "").all()
    # 4. The figures, from Python.
    run = ne.Project.open(flies).run("first")
    for figure in (
        run.plot.embedding(),
        run.plot.embedding(color="animal"),
        run.plot.leakage(),
        run.plot.actions(),
        run.plot.history(),
    ):
        assert len(figure.data)
    windows, h = run.embedding("neural", "dense")
    assert len(windows) == len(h) > 0


def test_leaving_out_each_animal_gives_inductive_rows_of_one_group(flies):
    # 1. One command, one run per animal, one group.
    done(*train(flies, "loo", "--leave-one-animal-out", steps=2))
    groups = set()
    for animal in ("fly1", "fly2", "fly3"):
        info = json.loads((flies / "runs" / f"loo-{animal}" / "run.json").read_text())
        assert (info["mode"], info["status"]) == ("inductive", "finished")
        assert info["held_out"] == [animal]
        groups.add(info["group"])
    assert groups == {"loo"}
    # 2. The rows of a run are about its own animal, and say so.
    done("evaluate", flies, "loo-fly2")
    table = scores(flies, "loo-fly2")
    assert set(table["group"]) == {"loo"}
    across = table[
        (table["task"] == "action_multi") & (table["method"] == "guenel2022")
    ]
    assert set(across["mode"]) == {"inductive"}
    assert set(across["held_out_animal"]) <= {"fly2", "mean"}


def test_a_killed_training_goes_on_to_the_same_bits(flies, tmp_path):
    # 1. Killed without warning, between two checkpoints or inside one.
    words = train(flies, "killed", "--set", "training.checkpoint_s=0.001", steps=24)
    process = start(*words)
    last = flies / "runs" / "killed" / "checkpoints" / "last.json"
    until(lambda: last.exists() and json.loads(last.read_text())["step"] >= 3)
    process.kill()
    process.communicate()
    assert len(history(flies, "killed")) < 24
    # 2. The list of jobs knows that it was lost.
    assert "lost" in done("jobs", "list", flies).out
    # 3. Resumed, and compared with a training that nobody disturbed.
    done("train", flies, "--run", "killed", "--resume")
    done(*train(flies, "whole", "--set", "training.checkpoint_s=0.001", steps=24))
    assert weights(flies, "killed") == weights(flies, "whole")
    losses = [history(flies, run)["loss"].tolist() for run in ("killed", "whole")]
    assert losses[0] == losses[1]
    # 4. A finished run is never altered.
    told = neuroembed(*train(flies, "whole"))
    assert told.code == 2
    assert "Run 'whole' exists" in told.err


def weights(project: Path, run: str) -> bytes:
    newest = max((project / "runs" / run / "checkpoints").glob("step_*"))
    return (newest / "model.safetensors").read_bytes()


def history(project: Path, run: str) -> pd.DataFrame:
    return pd.read_csv(project / "runs" / run / "history.csv")


@pytest.mark.parametrize("how", ["cancel", "ctrl-c"])
def test_a_training_that_is_stopped_keeps_its_steps_and_goes_on(flies, how):
    # 1. Stopped after its first steps.
    run = f"stopped-{how}"
    process = start(*train(flies, run, steps=60))
    rows = flies / "runs" / run / "history.csv"
    until(lambda: rows.exists() and len(rows.read_text().splitlines()) > 3)
    if how == "cancel":
        newest = max((flies / "jobs").iterdir())
        (newest / "cancel").touch()
    else:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    # 2. The job and the run say so.
    facts = said_in(flies)
    assert (facts["status"], facts["exit_code"]) == ("stopped", 130)
    info = json.loads((flies / "runs" / run / "run.json").read_text())
    assert info["status"] == "stopped"
    assert 0 < len(history(flies, run)) < 60
    # 3. It goes on where it stopped.
    told = done("train", flies, "--run", run, "--resume")
    assert "60 steps" in told.out
    assert history(flies, run)["step"].tolist() == list(range(1, 61))


def test_a_project_moves_with_its_results_and_its_data_is_found_again(
    lab, flies, tmp_path, monkeypatch
):
    # 1. Project and data move: umlauts, spaces, another folder.
    home = tmp_path / "Mäuse und Fliegen"
    shutil.copytree(flies, home / "project", ignore=shutil.ignore_patterns("jobs"))
    (home / "roots").mkdir()
    shutil.copytree(lab, home / "roots" / "Rohdaten ö")
    # 2. From another folder, with a relative path.
    monkeypatch.chdir(home)
    roots = yaml.safe_load((home / "project" / "roots.local.yaml").read_text())
    (name,) = roots.get("roots", roots)
    told = done("relink", "project", "--root", f"{name}=roots/Rohdaten ö")
    assert "0 missing" in told.out
    assert "Rohdaten" in (home / "project" / "roots.local.yaml").read_text("utf-8")
    # 3. What was made before still counts, and work goes on.
    assert done("check", "project").code == 0
    assert done("preprocess", "project").out == "18 kept\n"
    done(*train(Path("project"), "moved", steps=1))
    assert (home / "project" / "runs" / "moved" / "run.json").is_file()
