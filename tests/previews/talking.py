"""A preview process within the test's own, spoken to by pipes."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.api.previewing import serve
from napari_neuroembed.jobs.preview_folder import PreviewFolder


class Talk:
    """A server in a thread; `close` ends it."""

    def __init__(self, project: Path | None = None) -> None:
        lines, self._to = os.pipe()
        self._from, out = os.pipe()
        self.codes: list[int] = []

        def work() -> None:
            with os.fdopen(lines, "rb") as ours, os.fdopen(out, "wb") as theirs:
                self.codes.append(serve(ours, theirs, project))

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()
        self._answers = os.fdopen(self._from, "rb")
        self._n = 0
        self.folder = PreviewFolder(Path(self.result("hello")["folder"]))

    def write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._to, rest) :]

    def read(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def ask(self, ask: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer; `array` may be numpy."""
        self._n += 1
        if isinstance(fields.get("array"), np.ndarray):
            name = f"in-{self._n}.npy"
            fields["array"] = self.folder.save(name, fields["array"])
        request = {"id": self._n, "ask": ask, **fields}
        self.write(json.dumps(request).encode() + b"\n")
        answer = self.read()
        assert answer["id"] == self._n
        return answer

    def result(self, ask: str, **fields: Any) -> dict[str, Any]:
        """Ask for what must come out well."""
        answer = self.ask(ask, **fields)
        assert answer["ok"], answer
        result: dict[str, Any] = answer["result"]
        return result

    def error(self, ask: str, **fields: Any) -> dict[str, Any]:
        """Ask for what must be refused."""
        answer = self.ask(ask, **fields)
        assert not answer["ok"], answer
        error: dict[str, Any] = answer["error"]
        return error

    def array(self, result: dict[str, Any], name: str) -> np.ndarray:
        return np.array(self.folder.load(result["arrays"][name]))

    def close(self) -> None:
        os.close(self._to)
        self._thread.join(10)
        assert self.codes == [0]
        self._answers.close()
