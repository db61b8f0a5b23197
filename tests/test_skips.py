"""CI does not let a missing display pass for a success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = """
import pytest

@pytest.mark.gui
def test_a_window():
    pytest.skip("no display")

def test_something_else():
    pytest.skip("no real data")
"""


@pytest.mark.parametrize(("ci", "failed"), [("true", 1), ("", 0)])
def test_a_skipped_window_test_fails_in_ci_only(
    tmp_path: Path, ci: str, failed: int
) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips"]
    command += ["-p", "no:dash", "-p", "no:napari", "-p", "no:npe2", str(tmp_path)]
    env = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True)
    assert done.returncode == failed, done.stdout.decode()
    assert (b"1 failed, 1 skipped" in done.stdout) == bool(failed)
    assert (b"2 skipped" in done.stdout) != bool(failed)
