"""Small prepared recordings with a planted relation of images and poses."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis


def make_recording(name: str, animal: str, seed: int, *, kind: str = "neural"):
    """Return ten seconds at 16 Hz (poses at 32 Hz) of two alternating actions."""
    rng = np.random.default_rng(seed)
    active = (np.arange(160) // 20 + seed) % 2
    neural = rng.normal(size=(160, 8, 8)).astype(np.float32)
    neural[:, :4] += 3 * active[:, None, None]
    data = neural if kind == "neural" else neural.reshape(160, -1)[:, : 5 + seed % 3]
    pose = rng.normal(scale=0.1, size=(320, 6)).astype(np.float32)
    pose += np.repeat(active, 2)[:, None]
    bouts = Bouts.from_frames(np.array(["rest", "walk"])[active], np.arange(161) / 16.0)
    return Recording(
        name,
        animal,
        {
            kind: Stream(kind, data, TimeAxis(160, rate_hz=16.0)),
            "pose": Stream(
                "pose", pose, TimeAxis(320, rate_hz=32.0), facts={"n_dims": 2}
            ),
        },
        bouts,
    )
