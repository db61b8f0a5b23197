import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.bouts import Bouts, check_bouts
from napari_neuroembed.errors import DataError

few = settings(max_examples=40, deadline=None)
names = st.sampled_from(["", "walk", "rest", "groom", "background"])


def bouts_of(*rows):
    """Build bouts from (start, stop, action[, present])."""
    return Bouts(
        [row[0] for row in rows],
        [row[1] for row in rows],
        tuple(row[2] for row in rows),
        [row[3] if len(row) > 3 else True for row in rows],
    )


def slow_at(bouts, time):
    """Say what is present at one time, by looking at every bout."""
    present = {
        bouts.action[i]
        for i in range(len(bouts))
        if bouts.present[i] and bouts.start_s[i] <= time < bouts.stop_s[i]
    }
    return present.pop() if len(present) == 1 else ""


@st.composite
def any_bouts(draw):
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(-20, 60),
                st.integers(0, 15),
                st.sampled_from(["walk", "rest", "groom"]),
                st.booleans(),
            ),
            max_size=12,
        )
    )
    return bouts_of(*((s / 4, (s + d) / 4, a, p) for s, d, a, p in rows))


@few
@given(st.lists(names, min_size=1, max_size=60), st.floats(-10, 10), st.floats(1, 200))
def test_frames_to_bouts_to_frames_is_the_identity(labels, start, rate):
    edges = start + np.arange(len(labels) + 1) / rate
    bouts = Bouts.from_frames(labels, edges)
    assert bouts.at((edges[1:] + edges[:-1]) / 2).tolist() == labels
    assert Bouts.from_frames(bouts.at((edges[1:] + edges[:-1]) / 2), edges) == bouts


@few
@given(
    st.integers(1, 40).flatmap(
        lambda n: st.lists(
            st.lists(st.sampled_from([-1, 0, 1]), min_size=3, max_size=3),
            min_size=n,
            max_size=n,
        )
    )
)
def test_multi_label_states_to_bouts_to_states_is_the_identity(rows):
    states = np.array(rows, dtype=np.int8)
    actions = ("walk", "rest", "groom")
    edges = np.arange(len(states) + 1) / 7.0
    bouts = Bouts.from_states(states, actions, edges)
    centres = (edges[1:] + edges[:-1]) / 2
    assert np.array_equal(bouts.states_at(centres, actions), states)
    assert Bouts.from_table(bouts.to_table()) == bouts


@few
@given(any_bouts())
def test_the_label_at_a_time_equals_a_look_at_every_bout(bouts):
    times = np.arange(-30, 80) / 8
    assert bouts.at(times).tolist() == [slow_at(bouts, t) for t in times]


@few
@given(any_bouts())
def test_merging_changes_no_label_and_leaves_no_overlap_of_one_action(bouts):
    times = np.arange(-30, 80) / 8
    merged = bouts.merged()
    assert merged.at(times).tolist() == bouts.at(times).tolist()
    for name in merged.actions():
        for state in (True, False):
            keep = [
                i
                for i in range(len(merged))
                if merged.action[i] == name and merged.present[i] == state
            ]
            starts, stops = merged.start_s[keep], merged.stop_s[keep]
            lengths = stops - starts
            long = lengths > 0
            assert (starts[long][1:] >= stops[long][:-1]).all()


def test_unlabelled_time_is_no_action_and_background_is_one():
    bouts = Bouts.from_frames(["background", "", "walk"], [0, 1, 2, 3])
    assert bouts.actions() == ("background", "walk")
    assert bouts.at([0.5, 1.5, 2.5, 9.0]).tolist() == ["background", "", "walk", ""]


def test_bouts_are_half_open_at_both_ends():
    bouts = bouts_of((1.0, 2.0, "walk"), (2.0, 3.0, "rest"))
    assert bouts.at([0.999, 1.0, 2.0, 3.0]).tolist() == ["", "walk", "rest", ""]


def test_several_actions_at_once_give_no_label_and_are_named_ambiguous():
    bouts = bouts_of((0.0, 2.0, "walk"), (1.0, 3.0, "sniff"))
    assert bouts.at([0.5, 1.5, 2.5]).tolist() == ["walk", "", "sniff"]
    assert bouts.ambiguous_at([0.5, 1.5, 2.5]).tolist() == [False, True, False]


def test_missing_values_in_frame_labels_are_unlabelled():
    labels = pd.Series(["walk", None, np.nan, "walk"], dtype=object)
    bouts = Bouts.from_frames(labels.to_numpy(), np.arange(5.0))
    assert bouts == bouts_of((0.0, 1.0, "walk"), (3.0, 4.0, "walk"))


def test_windows_take_the_centre_the_majority_or_only_what_is_pure():
    bouts = bouts_of((0.0, 1.2, "walk"), (1.2, 2.0, "rest"))
    start, stop = np.array([0.0, 0.0, 1.0, 1.9]), np.array([1.0, 2.0, 2.0, 2.6])
    assert bouts.over(start, stop, "centre").tolist() == ["walk", "walk", "rest", ""]
    assert bouts.over(start, stop, "majority").tolist() == ["walk", "walk", "rest", ""]
    assert bouts.over(start, stop, "pure").tolist() == ["walk", "", "", ""]


def test_a_window_half_labelled_has_no_majority_but_may_have_a_centre():
    bouts = bouts_of((0.0, 1.0, "walk"))
    assert bouts.over([0.0], [2.0], "majority").tolist() == [""]
    assert bouts.over([0.2], [1.6], "centre").tolist() == ["walk"]
    assert bouts.over([0.0], [1.9], "majority").tolist() == ["walk"]


def test_an_unknown_way_to_label_windows_is_refused():
    with pytest.raises(DataError, match="allowed: centre, majority, pure"):
        Bouts.empty().over([0.0], [1.0], "median")


def test_clipping_cuts_edges_and_keeps_points_inside():
    bouts = bouts_of((0.0, 4.0, "walk"), (3.0, 3.0, "peck"), (5.0, 5.0, "peck"))
    assert bouts.clip(1.0, 4.5) == bouts_of((1.0, 4.0, "walk"), (3.0, 3.0, "peck"))


def test_shifting_and_selecting_keep_everything_else():
    bouts = bouts_of((0.0, 1.0, "walk"), (1.0, 2.0, "rest", False))
    assert bouts.shift(-1.5) == bouts_of(
        (-1.5, -0.5, "walk"), (-0.5, 0.5, "rest", False)
    )
    assert bouts.select({"rest"}).action == ("rest",)
    assert bouts.durations().tolist() == [1.0, 1.0]


def test_no_bouts_answer_every_question():
    empty = Bouts.empty()
    assert len(empty) == 0
    assert empty.at([1.0]).tolist() == [""]
    assert empty.over([0.0], [1.0], "pure").tolist() == [""]
    assert empty.merged() == empty
    assert empty.clip(0, 1) == empty
    assert empty.states_at([0.0], ["walk"]).tolist() == [[-1]]
    assert list(empty.to_table()) == ["start_s", "stop_s", "action", "state"]
    assert check_bouts(empty, stop_s=1.0, exclusive=True) == []


def test_every_fault_of_a_set_of_bouts_is_named():
    bouts = bouts_of(
        (-1.0, 0.5, "early"),
        (2.0, 1.0, "reversed"),
        (3.0, 5.0, "walk"),
        (4.0, 6.0, "rest"),
        (8.0, 12.0, "late"),
    )
    found = check_bouts(bouts, stop_s=10.0, exclusive=True)
    assert found == [
        "reversed 2.000-1.000 s ends before it starts.",
        "early -1.000-0.500 s starts before 0.000 s.",
        "late 8.000-12.000 s ends after the recording (10.000 s).",
        "walk 3.000-5.000 s and rest 4.000-6.000 s overlap by 1.000 s.",
    ]


def test_a_bout_inside_a_long_one_is_found_behind_others():
    bouts = bouts_of((0.0, 9.0, "walk"), (1.0, 2.0, "rest"), (5.0, 6.0, "rest"))
    found = check_bouts(bouts, stop_s=None, exclusive=True)
    assert len(found) == 2
    assert all("walk 0.000-9.000 s" in text for text in found)


def test_multi_label_bouts_may_overlap_but_not_contradict_themselves():
    bouts = bouts_of((0, 2, "walk"), (1, 3, "sniff"), (1, 3, "walk", False))
    found = check_bouts(bouts, stop_s=None, exclusive=False)
    assert found == [
        "walk 0.000-2.000 s and no walk 1.000-3.000 s contradict by 1.000 s."
    ]


def test_neighbours_that_touch_do_not_overlap():
    edges = 0.1 + np.arange(1001) / 30.0
    labels = np.resize(["walk", "rest"], 1000)
    bouts = Bouts.from_frames(labels, edges)
    assert check_bouts(bouts, stop_s=None, exclusive=True) == []


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Bouts([0.0], [1.0, 2.0], ("a",), [True]), "2,"),
        (lambda: Bouts([np.nan], [1.0], ("walk",), [True]), "walk.*nan"),
        (lambda: Bouts.from_frames(["a", "b"], [0, 1]), "2 labels need 3 edges"),
        (lambda: Bouts.from_frames(["a", "b"], [0, 1, 1]), "edge 2 is at 1.0"),
        (lambda: Bouts.from_states(np.full((2, 1), 2), ["a"], [0, 1, 2]), "States"),
        (lambda: Bouts.from_states(np.zeros((2, 2)), ["a"], [0, 1, 2]), "each of 1"),
        (lambda: Bouts.from_table(pd.DataFrame({"start_s": [0.0]})), "stop_s, action"),
        (
            lambda: Bouts.from_table(
                pd.DataFrame(
                    {"start_s": [0], "stop_s": [1], "action": ["a"], "state": [7]}
                )
            ),
            "must be 1",
        ),
    ],
)
def test_what_cannot_be_bouts_is_refused_with_the_reason(make, match):
    with pytest.raises(DataError, match=match):
        make()
