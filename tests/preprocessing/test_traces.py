"""Traces and scalars."""

import numpy as np
import pytest

from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import TraceOptions
from napari_neuroembed.preprocessing.traces import prepare_signals, prepare_traces


def trace(data, kind="trace", names=()):
    return Stream(kind, data, TimeAxis(len(data), rate_hz=3.0), names=names)


def test_traces_pass_through_as_float32(rng):
    data = rng.normal(size=(40, 5))
    prepared = prepare_traces(trace(data), TraceOptions(), "r").stream
    np.testing.assert_array_equal(prepared.data, data.astype(np.float32))
    assert prepared.valid.all()


def test_dff_of_traces_is_over_their_percentile(rng):
    data = rng.uniform(50, 100, size=(400, 3))
    options = TraceOptions(method="percentile", percentile=8)
    prepared = prepare_traces(trace(data), options, "r").stream
    f0 = np.percentile(data, 8, axis=0)
    np.testing.assert_allclose(
        prepared.data, 100 * (data - f0) / f0, rtol=1e-4, atol=1e-3
    )
    assert prepared.units == "dff_percent"


def test_frames_that_are_not_finite_are_invalid_and_counted(rng):
    data = rng.normal(size=(100, 3))
    data[[4, 9], 1] = np.nan, np.inf
    prepared = prepare_traces(trace(data), TraceOptions(), "r")
    assert np.flatnonzero(~prepared.stream.valid).tolist() == [4, 9]
    assert prepared.counts["nonfinite_frames"] == 2


def test_more_than_a_twentieth_lost_is_refused_unless_accepted(rng):
    data = rng.normal(size=(100, 3))
    data[:10, 0] = np.nan
    with pytest.raises(DataError, match=r"10.0% of frames.*\[trace.nonfinite\]"):
        prepare_traces(trace(data), TraceOptions(), "r")
    kept = prepare_traces(trace(data), TraceOptions(), "r", accept={"trace.nonfinite"})
    assert kept.counts["invalid_frames"] == 10


def test_a_cell_without_any_value_costs_no_frame(rng):
    data = rng.normal(size=(20, 3))
    data[:, 1] = np.nan
    prepared = prepare_traces(trace(data, names=("a", "b", "c")), TraceOptions(), "r")
    assert prepared.stream.valid.all()
    assert (np.asarray(prepared.stream.data)[:, 1] == 0).all()
    assert prepared.counts["empty_signals"] == ["b"]


def test_traces_that_are_dff_already_are_not_divided_again(rng):
    data = rng.normal(size=(50, 2))
    with pytest.raises(DataError, match=r"F0 must be above 0.*trace.method=none"):
        prepare_traces(trace(data), TraceOptions(method="percentile"), "r")


def test_scalars_keep_unknown_values_as_nan(rng):
    speed = rng.normal(size=30)
    speed[:20] = np.nan
    prepared = prepare_signals(trace(speed, "scalar", ("speed",)), "r").stream
    assert prepared.data.shape == (30, 1)
    assert np.isnan(np.asarray(prepared.data)[:20]).all()
    assert prepared.valid.sum() == 10


def test_signals_without_a_single_value_are_refused():
    with pytest.raises(DataError, match="no frame has a finite value"):
        prepare_signals(trace(np.full((9, 2), np.nan), "scalar"), "r")
