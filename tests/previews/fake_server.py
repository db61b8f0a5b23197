"""A preview process that loads nothing and does what a test wants; run as a program."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any, TextIO

import numpy as np

from napari_neuroembed.jobs.preview_folder import PreviewFolder
from napari_neuroembed.jobs.preview_lines import PROTOCOL

PROGRAM = (sys.executable, __file__)


def say(text: str, to: TextIO | None = None) -> None:
    (to or sys.stdout).write(text + "\n")
    (to or sys.stdout).flush()


def answer(id_: Any, **result: Any) -> None:
    say(json.dumps({"id": id_, "ok": True, "result": result}))


def main(words: list[str]) -> int:
    if words and words[0] == "broken":
        say("neuroembed: flies is no project.", sys.stderr)
        return 2
    folder = PreviewFolder.make()
    protocol = PROTOCOL + ("old" in words)
    if "mute" in words:
        time.sleep(60)
    for line in sys.stdin:
        request = json.loads(line)
        options = request.get("options") or {}
        if request["ask"] == "hello":
            answer(request["id"], protocol=protocol, folder=str(folder.path))
            continue
        if options.get("die"):
            say("Out of luck.\nOut of memory.", sys.stderr)
            os.kill(os.getpid(), signal.SIGKILL)
        if options.get("deaf"):
            time.sleep(60)
        time.sleep(options.get("sleep_s", 0))
        if options.get("noise"):
            say("this is no answer")
        array = request.get("array")
        total = float(folder.load(array).sum()) if array else 0.0
        name = folder.save(f"out-{request['id']}.npy", np.full((2, 2), total))
        about = {"pid": os.getpid(), "asked": options, "frame": request.get("frame")}
        answer(request["id"], **about, arrays={"total": name})
    folder.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[2:]))
