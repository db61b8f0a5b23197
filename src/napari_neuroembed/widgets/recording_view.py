"""Show a recording in the viewer: every stream on its own clock, one time slider."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_neuroembed.data.project import Project
from napari_neuroembed.widgets.state import ProjectState
from napari_neuroembed.widgets.workers import Worker

if TYPE_CHECKING:
    from napari_neuroembed.widgets.pose_layers import PoseView
    from napari_neuroembed.widgets.stream_layers import LayerSpec

DEBOUNCE_MS = 50
"""The pose is drawn anew at most this often while the slider moves."""

JOINTS, LIMBS = "pose joints", "pose limbs"


class RecordingView(QObject):
    """The layers of one recording in a viewer, and the time they show.

    Parameters
    ----------
    viewer
        A napari viewer, or its model.
    state
        Whose recording and time are shown; both follow each other.

    Attributes
    ----------
    shown, failed
        Emitted when all layers are there; with the error when they cannot be.
    """

    shown = Signal()
    failed = Signal(object)

    def __init__(self, viewer: Any, state: ProjectState) -> None:
        super().__init__()
        self.viewer, self.state = viewer, state
        self.recording = ""
        self._pose: PoseView | None = None
        self._worker: Worker | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(DEBOUNCE_MS)
        self._later.timeout.connect(self._draw_pose)
        viewer.dims.events.current_step.connect(self._on_slider)
        state.time_changed.connect(self._on_time)

    def show(self) -> None:
        """Open the recording of the state in the background and add its layers."""
        project, name = self.state.need_project(), self.state.recording
        if self._worker is not None:
            self._worker.cancel()
        self._worker = Worker(_opening(project, name), self)
        self._worker.returned.connect(self._add)
        self._worker.failed.connect(self.failed)
        self._worker.start()

    def close(self) -> None:
        """Stop following the viewer; the layers stay."""
        if self._worker is not None:
            self._worker.cancel()
        self._later.stop()
        self.viewer.dims.events.current_step.disconnect(self._on_slider)
        self.state.time_changed.disconnect(self._on_time)

    def remove_layers(self) -> None:
        """Take away what was shown of a recording; layers of others stay."""
        for layer in list(self.viewer.layers):
            facts = layer.metadata.get("neuroembed", {})
            if facts.get("shown_by") == "recording view":
                self.viewer.layers.remove(layer)

    def _add(self, found: tuple[str, Sequence[LayerSpec], PoseView | None]) -> None:
        name, specs, pose = found
        if name != self.state.recording:
            return  # somebody chose another one meanwhile
        self.remove_layers()
        self.recording, self._pose = name, pose
        for spec in specs:
            metadata = dict(spec.options["metadata"])
            metadata["neuroembed"]["shown_by"] = "recording view"
            add = getattr(self.viewer, f"add_{spec.kind}")
            add(spec.data, **{**spec.options, "metadata": metadata})
        if pose is not None:
            self._add_pose(name)
        self.viewer.dims.axis_labels = ("time", "y", "x")
        self._on_time(self.state.time_s)
        self._draw_pose()
        self.viewer.reset_view()
        self.shown.emit()

    def _add_pose(self, name: str) -> None:
        from napari_neuroembed.widgets.stream_layers import provenance

        facts = provenance(name, "pose", shown_by="recording view")
        empty = {"metadata": facts, "ndim": 2}
        self.viewer.add_vectors(
            np.zeros((1, 2, 2)),
            name=f"{name} {LIMBS}",
            edge_color="#F0C75E",
            edge_width=0.6,
            vector_style="line",
            **empty,
        )
        self.viewer.add_points(
            np.zeros((0, 2)),
            name=f"{name} {JOINTS}",
            size=1.6,
            face_color="#FFFFFF",
            border_color="#1B1F24",
            **empty,
        )

    def _on_slider(self) -> None:
        if self.recording and self.viewer.dims.ndim >= 3:
            self.state.time_s = float(self.viewer.dims.point[-3])

    def _on_time(self, time_s: float) -> None:
        if not self.recording or self.viewer.dims.ndim < 3:
            return
        axis = self.viewer.dims.ndim - 3
        if abs(self.viewer.dims.point[axis] - time_s) > 1e-9:
            self.viewer.dims.set_point(axis, time_s)
        if self._pose is not None and not self._later.isActive():
            self._later.start()

    def _draw_pose(self) -> None:
        if self._pose is None:
            return
        joints, limbs = self._pose.at(self.state.time_s)
        for title, data in ((JOINTS, joints), (LIMBS, limbs)):
            name = f"{self.recording} {title}"
            if name in self.viewer.layers:  # the user may have deleted it
                self.viewer.layers[name].data = data


def _opening(project: Project, name: str) -> Any:
    def work() -> Generator[Any, None, Any]:
        # dask takes a second or two to load, and files may be slow: not in the window.
        from napari_neuroembed.widgets import pose_layers, stream_layers

        yield "opening"
        recording = project.raw_streams(name)
        specs: list[LayerSpec] = []
        for stream in recording.of_kind("neural"):
            specs += stream_layers.image_specs(recording, stream)
            yield stream
        for stream in recording.of_kind("video"):
            specs.append(stream_layers.video_spec(recording, stream))
            yield stream
        pose = next(iter(recording.of_kind("pose")), None)
        drawn = None if pose is None else pose_layers.pose_view(recording, pose)
        return name, specs, drawn

    return work
