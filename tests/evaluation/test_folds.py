from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.evaluation.folds import (
    block_folds,
    draw_bouts,
    random_folds,
    recording_folds,
    runs_of_one_action,
)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.integers(4, 9), st.integers(2, 4))
def test_folds_by_recording_never_split_one_and_test_every_label(
    n_labels: int, per_label: int, n_folds: int
) -> None:
    label = np.repeat(np.arange(n_labels), per_label)
    recording = np.repeat(np.arange(label.size), 3)
    folds = recording_folds(recording, label, n_folds)
    tested = np.sum([fold.test for fold in folds], axis=0)
    assert (tested == 1).all()
    for fold in folds:
        assert not set(recording[fold.train]) & set(recording[fold.test])
        assert set(label[recording[fold.test]]) == set(range(n_labels))


def test_blocks_keep_a_gap_of_one_window_to_what_is_tested() -> None:
    recording = np.repeat([0, 1], 80)
    times = np.tile(np.arange(80) * 0.5, 2)
    folds = block_folds(recording, times, 2.0, 4)
    assert (np.sum([fold.test for fold in folds], axis=0) == 1).all()
    for fold in folds:
        for r in (0, 1):
            fit = times[fold.train & (recording == r)]
            tested = times[fold.test & (recording == r)]
            assert fit.size
            assert np.abs(fit[:, None] - tested[None, :]).min() >= 4.0
            assert np.ptp(tested) <= 10.0


def test_random_folds_put_neighbours_on_both_sides() -> None:
    folds = random_folds(40, 4, np.random.default_rng(0))
    fold = folds[0]
    near = np.flatnonzero(fold.test)
    assert any(fold.train[max(i - 1, 0)] for i in near)
    assert (fold.train ^ fold.test).all()


def test_a_stretch_ends_with_action_recording_and_stride() -> None:
    times = np.array([0.5, 1.0, 1.5, 2.0, 9.0, 9.5, 0.5, 1.0])
    recording = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    action = np.array([0, 0, 1, 1, 1, -1, 1, 1])
    run = runs_of_one_action(recording, times, action)
    assert run.tolist() == [0, 0, 1, 1, 2, -1, 4, 4]


def test_bouts_are_drawn_whole_and_every_action_keeps_one() -> None:
    rng = np.random.default_rng(0)
    bout = np.repeat(np.arange(60), 5)
    recording = bout // 15
    action = np.where(bout < 58, bout % 2, 2)
    for fraction in (0.01, 0.1, 0.5):
        kept = draw_bouts(bout, recording, action, fraction, rng)
        for b in range(60):
            assert kept[bout == b].all() or not kept[bout == b].any()
        assert set(action[kept]) == {0, 1, 2}
    shares = [draw_bouts(bout, recording, action, 0.5, rng).mean() for _ in range(200)]
    assert abs(np.mean(shares) - 0.5) < 0.02
    assert draw_bouts(bout, recording, action, 1.0, rng).all()


def test_drawn_bouts_are_spread_over_recordings_and_actions() -> None:
    rng = np.random.default_rng(0)
    bout = np.arange(80)
    recording, action = bout // 20, bout % 2
    kept = draw_bouts(bout, recording, action, 0.5, rng)
    table = np.zeros((4, 2), dtype=int)
    np.add.at(table, (recording[kept], action[kept]), 1)
    assert (table == 5).all()
