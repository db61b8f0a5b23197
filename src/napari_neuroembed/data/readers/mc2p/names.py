"""What the files of an MC2P folder are, by the names of its README and of its code.

Known from the public loader and README of the data set; the files have no header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

IMAGE, SMALL = (128, 128), (64, 64)
POINTS, ANGLES = (76,), (42,)
"""Values of one frame: 38 points of two coordinates, 6 legs of 7 angles."""


@dataclass(frozen=True)
class Role:
    """One kind of file.

    Parameters
    ----------
    name
        What it is called here.
    what
        What it is called for people.
    example
        Name of such a file, as a rule that of the README.
    pattern
        Of the whole file name.
    frame
        Shape of one float32 frame of a headerless file; None for other files.
    """

    name: str
    what: str
    example: str
    pattern: str
    frame: tuple[int, ...] | None = None

    def fits(self, name: str) -> bool:
        """Whether a file is called so."""
        return re.fullmatch(self.pattern, name) is not None


ROLES: Mapping[str, Role] = {
    name: Role(name, what, example, pattern, frame)
    for name, what, example, pattern, frame in (
        ("dff", "dF/F", "2p_dff.mm", r".*2p_dff(_tif_padded)?\.mm", IMAGE),
        (
            "dff_resized",
            "dF/F at half size",
            "2p_dff_resized.mm",
            r".*2p_dff(_tif_padded)?_resized\.mm",
            SMALL,
        ),
        (
            "warped_green",
            "registered images",
            "2p_warped_green_tif.mm",
            r".*2p_warped_green_tif\.mm",
            IMAGE,
        ),
        (
            "affine_green",
            "shifted images",
            "raw_affine_green.mm",
            r".*raw_affine_green.*\.mm",
            IMAGE,
        ),
        # The two raw files bear each other's name.
        ("raw_green", "raw images", "raw_red.mm", r".*raw_red\.mm", IMAGE),
        ("raw_red", "raw anatomy", "raw_green.mm", r".*raw_green\.mm", IMAGE),
        (
            "affine_red",
            "shifted anatomy",
            "raw_affine_red.mm",
            r".*raw_affine_red.*\.mm",
            IMAGE,
        ),
        (
            "angles",
            "joint angles",
            "pose_result_inverse_kinematics.pkl",
            r"(angles.*|.*inverse_kinematics.*)\.(pkl|mm)",
            ANGLES,
        ),
        (
            "points",
            "body points",
            "pose_result.pkl",
            r"(?!.*inverse_kinematics).*pose_result.*\.(mm|pkl)",
            POINTS,
        ),
        (
            "sync",
            "synchronisation",
            "sync_indices.pkl or indices.npy",
            r"sync_indices\.(pkl|npy)|indices\.npy",
            None,
        ),
        ("rest", "rest", "rest.npy", r"rest\.npy", None),
        (
            "video",
            "film",
            "behData_images_camera_1.mp4",
            r".*camera_1\.mp4",
            None,
        ),
    )
}
"""By name, surest first; the green channel is the indicator, the red the anatomy."""

IMAGES = ("dff", "dff_resized", "warped_green", "affine_green", "raw_green")
"""Roles that images can be taken from, the paper's first."""

POSES = ("points", "angles")
_SUFFIXES = (".mm", ".pkl", ".npy", ".mp4")


def role_of(name: str) -> Role | None:
    """Return what a file is by its name, or None.

    Examples
    --------
    >>> role_of("200901_G23xU1_Fly1_001_2p_dff_tif_padded.mm").name
    'dff'
    >>> role_of("raw_red.mm").name
    'raw_green'
    """
    if not name.endswith(_SUFFIXES):
        return None  # folders may hold a hundred thousand single frames
    return next((role for role in ROLES.values() if role.fits(name)), None)


def files_by_role(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the files of a folder by what they are; those of no role are under ``""``.

    Hidden files and folders are left out.
    """
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.is_file() and e.name[:1] != "."]
    found: dict[str, list[Path]] = {}
    for name in sorted(names):
        role = role_of(name)
        found.setdefault(role.name if role else "", []).append(folder / name)
    return {name: tuple(paths) for name, paths in found.items()}


def is_pickle(path: Path) -> bool:
    """Whether a file begins and ends like a pickle; a headerless one may be named so.

    Its first byte alone, 0x80, is also that of one in 256 float32 files.
    """
    with path.open("rb") as file:
        head = file.read(2)
        if len(head) < 2 or head[0] != 0x80 or not 2 <= head[1] <= 5:
            return False
        file.seek(-1, 2)
        return file.read(1) == b"."
