"""Pre-processing killed at random moments: never a mix of two folders."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_neuroembed.data.derived import read_derived
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import check_folder, recover_folder

ROOT = Path(__file__).resolve().parents[2]
WORK = """
import sys
from pathlib import Path
import numpy as np
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.options.preprocessing import (
    DffOptions, PreprocessingOptions, RegistrationOptions)
from napari_neuroembed.preprocessing.pipeline import preprocess_recording

stack = np.random.default_rng(0).integers(200, 900, (120, 64, 64), dtype=np.uint16)
neural = Stream("neural", stack, TimeAxis(120, rate_hz=16.0))
recording = Recording("r", "a", {"neural": neural})
print("ready", flush=True)
for i in range(1000):
    options = PreprocessingOptions(
        registration=RegistrationOptions(method="none"),
        dff=DffOptions(window_frames=5 + i % 2))
    preprocess_recording(recording, options, Path(sys.argv[1]))
"""


def killed_once(folder, delay_s):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(folder)],
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def run_kills(folder, n):
    delays = random.Random(0)
    found = 0
    for _ in range(n):
        killed_once(folder, delays.uniform(0.0, 0.4))
        recover_folder(folder)
        if not folder.exists():
            continue
        check_folder(folder, contents=True)
        neural = read_derived(folder, id="r", animal="a").streams["neural"]
        assert neural.data.shape == (120, 64, 64)
        assert np.isfinite(neural.data).all()
        found += 1
    return found


@pytest.mark.faults
def test_a_kill_leaves_the_old_folder_or_the_new_one(tmp_path):
    folder = tmp_path / "derived" / "r"
    assert run_kills(folder, 4) >= 1
    leftovers = [p for p in folder.parent.iterdir() if p.name.endswith(".partial")]
    assert leftovers == []


@pytest.mark.faults
@pytest.mark.slow
def test_many_kills_leave_the_old_folder_or_the_new_one(tmp_path):
    assert run_kills(tmp_path / "derived" / "r", 100) >= 50


@pytest.mark.faults
def test_an_unfinished_folder_is_never_read(tmp_path):
    (tmp_path / ".r.1.abcd.partial").mkdir()
    with pytest.raises(DataError, match="is not prepared"):
        read_derived(tmp_path / "r", id="r", animal="a")
