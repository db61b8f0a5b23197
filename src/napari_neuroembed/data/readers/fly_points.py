"""The forms in which DeepFly3D and its followers keep a fly's points and angles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import Df3dOptions

LEGS = ("RF", "RM", "RH", "LF", "LM", "LH")
"""Order of the legs in every stream, whatever order the file has."""
JOINTS = ("Coxa", "Femur", "Tibia", "Tarsus", "Claw")
ANGLES = (
    "ThC_yaw",
    "ThC_pitch",
    "ThC_roll",
    "CTr_pitch",
    "CTr_roll",
    "FTi_pitch",
    "TiTa_pitch",
)
_PER_SIDE = 19
_N_CAMERAS = 7
_LARGEST_SHARE = 2.0
"""Larger 2-D values are pixels."""
_RIGHT_CAMERA, _LEFT_CAMERA = range(3), range(4, 7)
Double = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Points (time, point, dimension), or angles with one dimension.

    Parameters
    ----------
    what
        The form, for people.
    data, names, unit
        NaN where a point was not seen.
    confidence
        (time, point), where the file has it.
    notes
        What a person should know.
    """

    what: str
    data: Double
    names: tuple[str, ...]
    unit: str = ""
    confidence: Double | None = None
    notes: tuple[str, ...] = ()


def point_names() -> tuple[str, ...]:
    """Return the names of DeepFly3D's 38 points, right side first.

    Examples
    --------
    >>> point_names()[4], point_names()[15], point_names()[37]
    ('RF_Claw', 'R_Antenna', 'L_Stripe3')
    """
    names = []
    for side in "RL":
        legs = [leg for leg in LEGS if leg[0] == side]
        names += [f"{leg}_{joint}" for leg in legs for joint in JOINTS]
        names += [f"{side}_Antenna", *(f"{side}_Stripe{i}" for i in (1, 2, 3))]
    return tuple(names)


def result(content: Any, told: Df3dOptions) -> Found | None:
    """Read ``df3d_result*.pkl`` and ``pose_result*.pkl``.

    Notes
    -----
    ``points2d`` is (camera, time, point, (row, column)) as shares of the image, the
    camera by its number on the rig; ``camera_ordering`` says which of them are on the
    right. Before version 0.5 it was in pixels, the column first. Of the right side's
    points those of one camera on the right are taken, likewise left. A side that a
    camera cannot see is exactly 0, or (0, 1) where the image had been mirrored.
    """
    if not isinstance(content, Mapping):
        return None
    there = [
        key
        for key in ("points3d", "points3d_wo_procrustes", "points2d")
        if _is_points(content.get(key), _N_CAMERAS if key == "points2d" else None)
    ]
    if not there:
        return None
    key = told.points or there[0]
    if key not in there:
        raise DataError(
            f"The file has no usable {key}; it holds {', '.join(there)}. Say points: "
            f"{there[0]}. [pose.header]"
        )
    others = [name for name in there if name != key]
    notes = (f"{key} is taken; the file holds {', '.join(others)} too.",)
    if key != "points2d":
        data = without_zeros(np.asarray(content[key], dtype=np.float64))
        return Found(
            f"DeepFly3D {key}", data, point_names(), "", None, notes[: len(others)]
        )
    return _two_dimensions(content, told, notes[: len(others)])


def predictions(content: Any, told: Df3dOptions) -> Found | None:
    """Read ``preds_*.pkl``: (camera, time, point of one side, (column, row)).

    Notes
    -----
    Unlike in a result file the column comes first. Cameras 0 to 2 see the right side,
    4 to 6 the left; the eighth plane, where there is one, is that of the front camera.
    """
    shape: tuple[int, ...] = getattr(content, "shape", ())
    if len(shape) != 4 or shape[0] not in (_N_CAMERAS, _N_CAMERAS + 1):
        return None
    if shape[2:] != (_PER_SIDE, 2) or content.dtype.kind != "f":
        return None
    right, left = _cameras(told)
    points = np.concatenate([content[right], content[left]], axis=1)
    points = _not_seen(np.asarray(points, dtype=np.float64))
    height, width = _image_shape(told, None)
    return Found(
        f"2-D predictions of cameras {right} (right) and {left} (left)",
        points * [width, height],
        point_names(),
        "px",
    )


def legs_by_array(content: Any) -> Found | None:
    """Read ``pose3d_aligned.pkl``, ``converted_dict.pkl``: {leg: (time, point, 3)}."""
    if not isinstance(content, Mapping) or not content:
        return None
    if not all(isinstance(key, str) and _is_track(v) for key, v in content.items()):
        return None
    keys = sorted(content, key=_place)
    names: list[str] = []
    for key in keys:
        n = content[key].shape[1]
        is_leg = key.endswith("_leg") and n == len(JOINTS)
        head = key.removesuffix("_leg") if is_leg else key
        names += [f"{head}_{part}" for part in (JOINTS if is_leg else range(n))]
    return _joined("aligned poses", [content[key] for key in keys], names)


def legs_by_joint(content: Any) -> Found | None:
    """Read ``aligned_pose*.pkl``: {leg: {joint: {raw_pos_aligned: (time, 3)}}}."""
    if not isinstance(content, Mapping) or not content:
        return None
    names, parts = [], []
    for key in sorted(content, key=lambda k: _place(str(k))):
        joints = content[key]
        if not isinstance(joints, Mapping) or not joints:
            return None
        for joint, about in joints.items():
            track = about.get("raw_pos_aligned") if isinstance(about, Mapping) else None
            if not isinstance(track, np.ndarray) or track.ndim != 2:
                return None
            names.append(f"{str(key).removesuffix('_leg')}_{joint}")
            parts.append(track[:, None])
    return _joined("aligned poses", parts, names)


def joint_angles(content: Any, file_name: str) -> Found | None:
    """Read angles: {leg: {angle: values}}, or flat with ``Angle_RF_ThC_yaw``.

    Velocities have the same form; only the name of the file tells them apart.
    """
    if not isinstance(content, Mapping) or not content:
        return None
    flat: dict[str, Any] = {}
    for key, value in content.items():
        inner = value if isinstance(value, Mapping) else {None: value}
        for own, values in inner.items():
            name = str(key).removesuffix("_leg").removeprefix("Angle_")
            flat[name if own is None else f"{name}_{own}"] = values
    columns = {name: _column(values) for name, values in flat.items()}
    if any(column is None for column in columns.values()):
        return None
    names = sorted(columns, key=_angle_place)
    unit = "rad/s" if "velocit" in file_name.lower() else "rad"
    what = "joint velocities" if unit == "rad/s" else "joint angles"
    parts = [columns[name] for name in names]
    return _joined(what, parts, names, unit)


def _two_dimensions(
    content: Mapping[Any, Any], told: Df3dOptions, notes: tuple[str, ...]
) -> Found:
    points = content["points2d"]
    ordering = np.asarray(content.get("camera_ordering", range(_N_CAMERAS))).ravel()
    if sorted(ordering.tolist()) != list(range(_N_CAMERAS)):
        raise DataError(
            f"camera_ordering is {ordering.tolist()}, expected the cameras 0 to 6 in "
            "some order. [pose.header]"
        )
    right, left = (int(ordering[camera]) for camera in _cameras(told))
    one = np.asarray(points[right][:, :_PER_SIDE], dtype=np.float64)
    two = np.asarray(points[left][:, _PER_SIDE:], dtype=np.float64)
    both = np.concatenate([one, two], axis=1)
    if np.nanmax(both, initial=0.0) > _LARGEST_SHARE:
        pixels = _not_seen(both)
        notes = (*notes, "points2d are pixels, read as (column, row).")
    else:
        height, width = _image_shape(told, content.get("image_shape"))
        pixels = _not_seen(both[..., ::-1]) * [width, height]
    return Found(
        f"DeepFly3D points2d of cameras {right} (right) and {left} (left)",
        pixels,
        point_names(),
        "px",
        _scores(content.get("heatmap_confidence"), right, left, len(both)),
        notes,
    )


def _scores(scores: Any, right: int, left: int, n: int) -> Double | None:
    """Return the confidence (time, point) of two cameras' predictions."""
    if not isinstance(scores, np.ndarray):
        return None
    if scores.shape != (_N_CAMERAS, n, _PER_SIDE) or scores.dtype.kind != "f":
        return None
    return np.concatenate([scores[right], scores[left]], axis=1).astype(np.float64)


def _cameras(told: Df3dOptions) -> tuple[int, int]:
    if (
        len(told.cameras) != 2
        or told.cameras[0] not in _RIGHT_CAMERA
        or told.cameras[1] not in _LEFT_CAMERA
    ):
        raise DataError(
            f"cameras: {list(told.cameras)} should be one of 0 to 2 for the right side "
            "and one of 4 to 6 for the left, e.g. cameras: [1, 5]. [pose.header]"
        )
    return told.cameras[0], told.cameras[1]


def _image_shape(told: Df3dOptions, stated: Any) -> tuple[int, int]:
    """Return height and width; files state width first."""
    if stated is not None and np.size(stated) == 2:
        width, height = np.asarray(stated).ravel()
        return int(height), int(width)
    if len(told.image_shape) != 2:
        raise DataError("image_shape: [480, 960] is height and width. [pose.header]")
    return told.image_shape[0], told.image_shape[1]


def _is_points(value: Any, n_cameras: int | None) -> bool:
    """Whether it is (time, 38, 3), or (camera, time, 38, 2) when seen by cameras."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return False
    if n_cameras is None:
        return value.ndim == 3 and value.shape[1:] == (2 * _PER_SIDE, 3)
    return (
        value.ndim == 4
        and value.shape[0] == n_cameras
        and value.shape[2:] == (2 * _PER_SIDE, 2)
    )


def _is_track(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "fiu"
        and value.ndim == 3
        and value.shape[2] in (2, 3)
    )


def _column(values: Any) -> Double | None:
    """Return one number per frame as (time, 1, 1)."""
    if not isinstance(values, list | np.ndarray) or not len(values):
        return None
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return column[:, None, None] if column.ndim == 1 else None


def _joined(
    what: str, parts: Sequence[Any], names: Sequence[str], unit: str = ""
) -> Found | None:
    if len({part.shape[0] for part in parts}) != 1:
        return None
    if len({part.shape[2] for part in parts}) != 1:
        return None
    data = np.concatenate([np.asarray(p, dtype=np.float64) for p in parts], axis=1)
    data = data if data.shape[2] == 1 else without_zeros(data)
    return Found(what, data, tuple(names), unit)


def without_zeros(points: Double) -> Double:
    """Return points with those at exactly 0 in all dimensions missing."""
    points = points.copy()
    points[(points == 0).all(axis=2)] = np.nan
    return points


def _not_seen(shares: Double) -> Double:
    """Return (column, row) with those at (0, 0) or (1, 0) missing."""
    column, row = shares[..., 0], shares[..., 1]
    gone = (row == 0) & ((column == 0) | (column == 1))
    return np.where(gone[..., None], np.nan, shares)


def _place(key: str) -> tuple[int, str]:
    """Return where a leg belongs; what is no leg comes after, in order of names."""
    head = key[:2]
    return (LEGS.index(head), "") if head in LEGS else (len(LEGS), key)


def _angle_place(name: str) -> tuple[int, int, str]:
    leg, _, angle = name.partition("_")
    place = ANGLES.index(angle) if angle in ANGLES else len(ANGLES)
    return (*_place(leg)[:1], place, name)
