# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A gesture model in streams: as in recordings, however samples are batched, and safe in doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.act.gestures.decision import Decider, voted
from kpm_ros.act.gestures.gesture_model import DecisionRules, Input
from kpm_ros.act.gestures.hand_shape import HandShape
from kpm_ros.act.gestures.learnt import Batch, LearntRecogniser
from kpm_ros.act.safety import Now
from kpm_ros.core.flags import Flag
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.learn.gestures.executions import Execution, Recorded, windows_in
from kpm_ros.learn.gestures.training import TrainingSettings, train
from support.gestures import PERIOD_NS, START_NS, emg, executions

PLAYED = ("none", "fist", "none", "open", "none")


@pytest.fixture(scope="module")
def model():
    return train(executions())


@pytest.fixture(scope="module")
def stream():
    """Rest, fist, rest, open, rest: a second each."""
    return np.concatenate([emg(name, 200, 50 + k) for k, name in enumerate(PLAYED)])


def stamps(count, start=0):
    return START_NS + (start + np.arange(count)) * PERIOD_NS


def batch(samples, start=0, flags=0):
    return Batch(stamps(len(samples), start), samples, np.full(len(samples), flags))


def now_at(count):
    return Now(int(stamps(1, count)[0]), count * PERIOD_NS)


def run(recogniser, samples, size):
    """Push a stream in batches of this size; give every change."""
    changes = []
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        changes += recogniser.push({"emg": batch(part, start)}, now_at(start + len(part)))
    return changes


def test_gestures_begin_and_end_as_they_are_made_however_samples_come(model, stream):
    changes = run(LearntRecogniser(model, FreshnessRules()), stream, 1)
    assert [change.name for change in changes] == ["fist", "none", "open", "none"]
    for change, second in zip(changes, (1, 2, 3, 4), strict=True):
        assert 0 < change.stamp_ns - START_NS - second * 10**9 < 400_000_000
    assert run(LearntRecogniser(model, FreshnessRules()), stream, 7) == changes
    assert run(LearntRecogniser(model, FreshnessRules()), stream, 10) == changes


def test_live_windows_are_those_of_recordings(model, stream):
    recorded = Execution("fist", 1, {"emg": Recorded(stamps(len(stream)), stream)})
    windows, ends_ns = windows_in(model.card.inputs, recorded)
    seen = []
    recogniser = LearntRecogniser(model, FreshnessRules())
    recogniser.model = spy = type("Spy", (), {})()
    spy.card = model.card
    spy.measure = lambda live: seen.append(live[0][0].copy()) or model.measure(live)
    spy.probabilities = model.probabilities
    run(recogniser, stream, 13)
    assert len(seen) == len(ends_ns)
    np.testing.assert_array_equal(np.array(seen), windows[0])


def test_two_signals_are_taken_together(stream):
    def with_bends(recorded):
        every = []
        for each in recorded.executions:
            emg_signal = each.signals["emg"]
            bends = np.abs(emg_signal.samples[::4, :2])
            slow = Recorded(emg_signal.stamps_ns[::4], bends)
            every.append(replace(each, signals={**each.signals, "landmarks": slow}))
        return replace(
            recorded,
            executions=tuple(every),
            channels={**recorded.channels, "landmarks": ("bend", "gap")},
            rates={**recorded.rates, "landmarks": 50.0},
        )

    both = train(with_bends(executions()))
    assert [each.signal for each in both.card.inputs] == ["emg", "landmarks"]
    recogniser = LearntRecogniser(both, FreshnessRules())
    now = now_at(400)
    frames = Batch(
        stamps(100)[0] + np.arange(100) * 4 * PERIOD_NS,
        np.abs(stream[:400:4, :2]),
        np.zeros(100, int),
    )
    recogniser.push({"emg": batch(stream[:400]), "landmarks": frames}, now)
    assert recogniser.current(now).name == "fist"
    late = now_at(460)
    recogniser.push({"emg": batch(stream[400:460], 400)}, late)
    assert recogniser.current(late).name == "none"
    assert recogniser.current(late).reason.startswith("no landmarks for")


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda s: batch(np.full((1, 3), np.nan), 400), "non-finite emg"),
        (lambda s: batch(s[400:401], 400, int(Flag.INVALID)), "emg marked invalid"),
        (lambda s: batch(s[400:401, :2], 400), "3 channels of emg expected, 2 came"),
        (lambda s: batch(s[400:401], 395), "emg out of order"),
    ],
)
def test_a_sample_that_cannot_be_believed_is_no_gesture(model, stream, spoilt, said):
    recogniser = LearntRecogniser(model, FreshnessRules())
    run(recogniser, stream[:400], 10)
    assert recogniser.current(now_at(400)).name == "fist"
    assert 0.3 < recogniser.current(now_at(400)).strength <= 1.0
    recogniser.push({"emg": spoilt(stream)}, now_at(401))
    found = recogniser.current(now_at(401))
    assert (found.name, found.valid, found.strength) == ("none", False, 0.0)
    assert said in found.reason


def test_silence_ends_a_gesture(model, stream):
    recogniser = LearntRecogniser(model, FreshnessRules())
    run(recogniser, stream[:400], 10)
    found = recogniser.current(now_at(430))
    assert (found.name, found.valid, found.reason) == ("none", False, "no emg for 150 ms")
    # What comes after the gap begins with an empty window.
    changes = recogniser.push({"emg": batch(stream[200:239], 430)}, now_at(469))
    assert [change.name for change in changes] == ["none"]
    assert recogniser.current(now_at(469)).name == "none"


def test_strength_follows_how_strongly_a_gesture_is_made(model):
    def strength(loud):
        window = loud * emg("fist", 40, 7)
        return model.strength(window, model.card.gestures.index("fist"))

    assert strength(0.3) < 0.6 * strength(0.6) < strength(0.6) < strength(3.0) == 1.0


RULES = DecisionRules(votes=1, sure=0.9, hold=2, settle_s=0.0, release=3)


class Says:
    """A model of two gestures and rest, for its thresholds."""

    def __init__(self, reject=(0.0, 0.0, 0.0)):
        first = Input("emg", ("a",), 200.0, 40, 4, ("hudgins",))
        self.card = type("Card", (), {"rest": 0, "decision": RULES, "inputs": (first,)})()
        self.reject = np.array(reject)


def decide(decider, *answers):
    rows = {"rest": (1, 0, 0), "a": (0, 1, 0), "b": (0.04, 0, 0.96), "b?": (0.3, 0, 0.7)}
    return [decider.push(np.array(rows[each], float)).gesture for each in answers]


def test_a_gesture_begins_and_ends_when_several_windows_say_the_same():
    decider = Decider(Says())
    assert decide(decider, "a", "rest", "a", "a", "rest", "rest", "a") == [0, 0, 0, 1, 1, 1, 1]
    assert decide(decider, "b", "b", "b", "rest", "rest", "rest") == [1, 1, 2, 2, 2, 0]


def test_after_rest_a_gesture_waits_until_the_hand_has_moved_for_some_windows():
    decider = Decider(Says(), replace(RULES, settle_s=0.08))
    # The first windows of "b", which still hold rest, look like "a"; a moment of rest begins anew.
    assert decide(decider, "a", "a", "a", "rest", "a", "a", "b", "b", "b") == [0] * 8 + [2]
    assert decide(decider, "a", "a", "a", "rest", "rest", "rest") == [2, 2, 1, 1, 1, 0]


def test_a_doubtful_gesture_does_not_begin_but_goes_on():
    decider = Decider(Says())
    assert decide(decider, *["b?"] * 4) == [0, 0, 0, 0]
    assert decide(decider, "b", "b", "b?", "b?", "b?", "b?") == [0, 2, 2, 2, 2, 2]


def test_what_is_rejected_counts_as_rest():
    decider = Decider(Says(reject=(0, 0, 0.8)))
    assert decide(decider, "b", "b", "b?", "b?", "b?") == [0, 2, 2, 2, 0]


def test_windows_vote_by_the_mean_of_the_newest():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    assert voted(rows, 2).tolist() == [[1, 0], [0.5, 0.5], [0, 1], [0, 1]]


def test_the_shape_of_a_hand_is_the_same_wherever_and_however_large_it_is():
    shape = HandShape(find_skeleton("mediapipe-hand"))
    assert len(set(shape.names)) == len(shape.names)
    points = np.random.default_rng(5).uniform(size=(1, 21, 2))
    turned = points @ np.array([[0.0, -1.0], [1.0, 0.0]]) * 3.0 + 7.0
    np.testing.assert_allclose(shape.measure(turned), shape.measure(points))
    right_angle = points.copy()
    right_angle[0, 5:8] = [(0, 0), (1, 0), (1, 1)]
    bend = shape.measure(right_angle)[0, shape.names.index("bend index_pip index_dip")]
    assert bend == pytest.approx(np.pi / 2)


def test_a_window_of_which_too_little_is_asked_is_refused_in_words():
    with pytest.raises(ValueError, match=r"window of emg \(samples\) is 2"):
        replace(train(executions(), TrainingSettings()).card.inputs[0], window=2)
