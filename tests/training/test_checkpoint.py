"""Checkpoints: whole, checked, never a pickle for strangers."""

from __future__ import annotations

import io
import os
import shutil

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from napari_neuroembed import files
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.training.checkpoint import (
    Checkpoint,
    latest,
    load_resume,
    load_weights,
    mark_best,
    save_checkpoint,
)


def save(folder, step, module, keep=2):
    return save_checkpoint(
        folder, step, module, {"method": "simclr"}, {"step": step}, keep=keep
    )


def test_weights_come_back_bit_for_bit(tmp_path):
    module = nn.Linear(3, 2)
    checkpoint = save(tmp_path, 5, module)
    other = nn.Linear(3, 2)
    load_weights(checkpoint, other)
    assert torch.equal(module.weight, other.weight)
    assert load_resume(checkpoint)["step"] == 5
    assert latest(tmp_path).step == 5


def test_only_the_last_ones_and_the_best_are_kept(tmp_path):
    module = nn.Linear(3, 2)
    best = save(tmp_path, 1, module)
    mark_best(tmp_path, best, 0.5)
    for step in (2, 3, 4):
        save(tmp_path, step, module)
    names = sorted(p.name for p in tmp_path.glob("step_*"))
    assert names == ["step_00000001", "step_00000003", "step_00000004"]


def test_a_kill_while_pruning_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    module = nn.Linear(3, 2)
    for step in (1, 2):
        save(tmp_path, step, module)

    remove = shutil.rmtree

    def killed(path, *, ignore_errors=False):
        if "step_00000001" not in path.name:
            return remove(path, ignore_errors=ignore_errors)
        (path / "model.json").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_neuroembed.leftovers.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 3, module)
    for path in tmp_path.glob("step_*"):
        files.check_folder(path, contents=True)
    assert latest(tmp_path).step == 3


def test_a_damaged_last_checkpoint_falls_back_to_the_one_before(tmp_path):
    module = nn.Linear(3, 2)
    save(tmp_path, 1, module)
    damaged = save(tmp_path, 2, module)
    weights = damaged.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\x00\x01")
    assert latest(tmp_path).step == 1


def rewritten(checkpoint, **content):
    """Let its `model.json` or manifest say something else, as its writer would."""
    with files.write_folder(checkpoint.path) as build:
        for name in ("model.safetensors", "resume.pt"):
            shutil.copy(checkpoint.path / name, build / name)
        files.write_json(build / "model.json", content)


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_a_newer_checkpoint_is_refused_and_no_earlier_one_taken_for_it(tmp_path, name):
    module = nn.Linear(3, 2)
    save(tmp_path, 1, module)
    newer = save(tmp_path, 2, module)
    if name == "model.json":
        rewritten(newer, schema_version=99)
    else:
        files.write_json(newer.path / name, {"schema_version": 99, "files": {}})
    with pytest.raises(RunFolderError, match=rf"{name} has schema_version 99"):
        latest(tmp_path)


@pytest.mark.parametrize("content", [{}, {"schema_version": "1"}])
def test_a_checkpoint_that_describes_no_model_is_passed_over_and_named(
    tmp_path, content
):
    module = nn.Linear(3, 2)
    save(tmp_path, 1, module)
    rewritten(save(tmp_path, 2, module), **content)
    found = latest(tmp_path)
    assert found.step == 1
    assert "model.json describes no model of neuroembed" in found.skipped


def test_a_resume_file_that_is_a_pickle_runs_nothing(tmp_path):
    checkpoint = save(tmp_path, 1, nn.Linear(3, 2))
    victim = tmp_path / "victim"
    with files.write_folder(checkpoint.path) as build:
        (build / "resume.pt").write_bytes(planted(f"touch {victim}"))
    with pytest.raises(RunFolderError, match=r"resume\.pt"):
        load_resume(checkpoint)
    assert not victim.exists()


def planted(command):
    """Return a file of torch whose pickle calls the shell."""

    class Planted:
        def __reduce__(self):
            return os.system, (command,)

    buffer = io.BytesIO()
    torch.save(Planted(), buffer)
    return buffer.getvalue()


def test_without_a_whole_checkpoint_the_damage_is_named(tmp_path):
    damaged = save(tmp_path, 2, nn.Linear(3, 2))
    (damaged.path / "model.safetensors").unlink()
    with pytest.raises(RunFolderError, match=r"no whole checkpoint[\s\S]*Damaged"):
        latest(tmp_path)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": torch.zeros(2, 3)}, "missing \\['bias'\\]"),
        (
            {"weight": torch.zeros(2, 4), "bias": torch.zeros(2)},
            r"weight is \(2, 4\)",
        ),
        (
            {"weight": torch.full((2, 3), float("nan")), "bias": torch.zeros(2)},
            "not finite",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, state, message):
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(RunFolderError, match=message):
        load_weights(Checkpoint(tmp_path, 0, {}), nn.Linear(3, 2))


def test_a_huge_header_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    with pytest.raises(RunFolderError, match="not ours"):
        load_weights(Checkpoint(tmp_path, 0, {}), nn.Linear(3, 2))


def test_a_changed_resume_file_is_refused(tmp_path):
    checkpoint = save(tmp_path, 1, nn.Linear(3, 2))
    path = checkpoint.path / "resume.pt"
    content = path.read_bytes()
    files.write_bytes(path, content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(files.DataError, match="changed"):
        load_resume(checkpoint)
