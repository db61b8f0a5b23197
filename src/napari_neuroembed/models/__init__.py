"""Encoders: window -> embedding."""

from napari_neuroembed.models.base import Encoder, FrameEncoder
from napari_neuroembed.models.build import (
    ENCODERS,
    build_encoder,
    random_encoder,
    resolve_name,
)
from napari_neuroembed.models.image import ImageEncoder
from napari_neuroembed.models.initial import initial_weights
from napari_neuroembed.models.pose import PoseEncoder
from napari_neuroembed.models.projection import ProjectionHead, build_projection
from napari_neuroembed.models.trace import TraceEncoder

__all__ = [
    "ENCODERS",
    "Encoder",
    "FrameEncoder",
    "ImageEncoder",
    "PoseEncoder",
    "ProjectionHead",
    "TraceEncoder",
    "build_encoder",
    "build_projection",
    "initial_weights",
    "random_encoder",
    "resolve_name",
]
