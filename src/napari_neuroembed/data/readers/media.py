"""Open videos and images with PyAV, and nothing that leads to other files.

FFmpeg looks at the content, whatever a file is called: a text that lists segments (HLS,
DASH, concat) makes it open those, from any folder or the net, and a name with ``%d`` a
whole row of images. So only containers that hold their frames are let in, and no
protocol but a file's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_neuroembed.data.size_cap import largest
from napari_neuroembed.errors import DataError

VIDEO_FORMATS = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "avi", "matroska", "webm", "mpeg"),
    *("mpegts", "mpegvideo", "asf", "flv", "ogg", "nut", "ivf", "gif", "mjpeg"),
    *("h264", "hevc", "m4v", "yuv4mpegpipe"),
)
"""Containers and streams of video, as FFmpeg calls them."""

IMAGE_FORMATS = ("png_pipe", "jpeg_pipe", "bmp_pipe", "tiff_pipe")
"""Single images."""


def open_media(path: Path, formats: Sequence[str]) -> Any:
    """Open a file that holds one video or one image; a context manager.

    Parameters
    ----------
    path
        The file.
    formats
        :data:`VIDEO_FORMATS` or :data:`IMAGE_FORMATS`.

    Raises
    ------
    av.error.FFmpegError, OSError
        When it is none of these, or damaged.
    DataError
        When one frame of it would be too large.
    """
    import av

    container = av.open(
        str(Path(path).absolute()),
        container_options={
            "format_whitelist": ",".join(formats),
            "protocol_whitelist": "file",
        },
    )
    for stream in container.streams.video[:1]:
        context = stream.codec_context
        frame_bytes = 3 * context.width * context.height if context else 0
        if frame_bytes > largest():
            container.close()
            raise DataError(
                f"{path}: its frames of {context.width} x {context.height} need "
                f"{frame_bytes:,} bytes each; the limit is {largest():,}. [size.cap]"
            )
    return container
