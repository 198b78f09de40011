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

"""Effort to gestures."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.act.gestures.rules import (
    DEFAULT_GESTURES,
    GestureChange,
    GestureConfig,
    GestureRecogniser,
    GestureRule,
)
from kpm_ros.core.flags import Flag
from kpm_ros.models.pianokpm.published import MUSCLES
from support.clocks import both

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
STEP = 500_000
REST: dict[str, float] = {}


def sharp(*rules: GestureRule) -> GestureConfig:
    """Without smoothing, so that thresholds and times are met to the sample."""
    return GestureConfig(gestures=rules or DEFAULT_GESTURES, smoothing_s=0.0)


class Player:
    """Plays efforts to a recogniser, 4 samples every 2 ms, 60 ms after their instant."""

    def __init__(self, config: GestureConfig | None = None) -> None:
        self.recogniser = GestureRecogniser(config or GestureConfig(), MUSCLES)
        self.stamp = NOW
        self.changes: list[GestureChange] = []

    @property
    def now(self) -> int:
        return self.stamp + 60 * MS

    def play(self, ms: int, effort: dict[str, float], flags: int = 0) -> None:
        row = [effort.get(muscle, 0.02) for muscle in MUSCLES]
        for _ in range(ms // 2):
            stamps = self.stamp + STEP * np.arange(1, 5)
            self.stamp = int(stamps[-1])
            batch = np.tile(row, (4, 1)).astype(np.float32)
            self.changes += self.recogniser.push_effort(
                stamps, batch, np.full(4, flags), both(self.now)
            )

    @property
    def names(self) -> list[str]:
        return [change.name for change in self.changes]


@pytest.mark.parametrize(
    ("effort", "name"),
    [
        ({"PB": 0.7}, "thumb_press"),
        ({"ADM": 0.7}, "pinky_out"),
        ({"1DI": 0.7}, "index_out"),
        ({"ADM": 0.6, "1DI": 0.6, "4DI": 0.6}, "spread"),
    ],
)
def test_each_default_gesture_is_recognised_and_let_go(effort: dict, name: str) -> None:
    player = Player()
    player.play(200, REST)
    player.play(400, effort)
    seen = player.recogniser.current(both(player.now))
    assert (seen.name, seen.valid, seen.stamp_ns) == (name, True, player.stamp)
    assert seen.confidence > 0.5
    player.play(300, REST)
    assert player.names == [name, "none"]
    assert player.recogniser.current(both(player.now)).name == "none"


def test_a_spread_wants_all_its_muscles() -> None:
    player = Player(sharp(DEFAULT_GESTURES[3]))
    player.play(400, {"ADM": 0.9, "1DI": 0.9, "4DI": 0.3})
    assert player.names == []


def test_a_muscle_that_should_rest_speaks_against_a_gesture() -> None:
    rule = GestureRule("pinky_out", {"ADM": 1.0, "1DI": -0.5}, on=0.35)
    player = Player(sharp(rule))
    player.play(400, {"ADM": 0.6, "1DI": 0.6})
    assert player.names == []
    player.play(400, {"ADM": 0.6, "1DI": 0.4})
    assert player.names == ["pinky_out"]


def test_a_muscle_below_zero_does_not_speak_for_a_gesture() -> None:
    player = Player(sharp(GestureRule("pinky_out", {"ADM": 1.0, "1DI": -1.0}, on=0.35)))
    player.play(400, {"ADM": 0.3, "1DI": -0.5})
    assert player.names == []


def test_between_its_thresholds_a_gesture_goes_on_but_does_not_begin() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, on=0.4, off=0.2)))
    player.play(300, {"PB": 0.3})
    assert player.names == []
    player.play(300, {"PB": 0.5})
    player.play(300, {"PB": 0.3})
    assert player.names == ["press"]
    player.play(10, {"PB": 0.19})
    assert player.names == ["press", "none"]


def test_a_gesture_begins_when_it_has_been_held_to_the_sample() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, hold_s=0.08)))
    player.play(60, REST)
    first = player.stamp + STEP
    player.play(200, {"PB": 0.8})
    assert player.changes == [(first + 80 * MS, "press")]
    assert player.recogniser.current(both(player.now)).since_s == pytest.approx(0.1195)


def test_a_twitch_shorter_than_the_hold_is_no_gesture() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, hold_s=0.08)))
    for _ in range(5):
        player.play(78, {"PB": 0.8})
        player.play(2, {"PB": 0.3})
    assert player.names == []


def test_a_gesture_does_not_begin_again_within_its_refractory_time() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, hold_s=0.0, refractory_s=0.2)))
    player.play(100, {"PB": 0.8})
    player.play(10, REST)
    ended = player.changes[-1].stamp_ns
    player.play(400, {"PB": 0.8})
    assert player.names == ["press", "none", "press"]
    assert player.changes[-1].stamp_ns == ended + 200 * MS


def test_of_two_that_may_begin_the_more_confident_wins() -> None:
    weak, strong = GestureRule("weak", {"PB": 1.0}), GestureRule("strong", {"PB": 2.0})
    player = Player(sharp(weak, strong))
    player.play(200, {"PB": 0.4})
    assert player.names == ["strong"]


def test_confidence_is_a_half_at_the_threshold_to_begin() -> None:
    rule = GestureRule("press", {"PB": 1.0}, on=0.4, off=0.2)
    assert [rule.confidence(each) for each in (-1, 0.2, 0.3, 0.4, 0.6, 9)] == pytest.approx(
        [0, 0, 0.25, 0.5, 1, 1]
    )


def test_silence_makes_it_none_and_not_valid() -> None:
    player = Player()
    player.play(400, {"PB": 0.8})
    assert player.recogniser.current(both(player.now)).name == "thumb_press"
    seen = player.recogniser.current(both(player.now + 101 * MS))
    assert (seen.name, seen.valid, seen.confidence, seen.since_s) == ("none", False, 0.0, 0.0)
    assert (seen.reason, seen.changed) == ("no effort for 101 ms", True)


@pytest.mark.parametrize(
    ("effort", "flags", "reason"),
    [
        ({"PB": 0.8}, Flag.INVALID | Flag.POSE_LOST, "effort marked invalid: pose lost"),
        ({"PB": np.nan}, 0, "non-finite effort"),
        ({"ADM": np.inf, "PB": 0.8}, 0, "non-finite effort"),
    ],
)
def test_bad_effort_ends_a_gesture_and_it_must_be_held_anew(
    effort: dict, flags: int, reason: str
) -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, hold_s=0.08, refractory_s=0.0)))
    player.play(200, {"PB": 0.8})
    player.play(2, effort, flags)
    seen = player.recogniser.current(both(player.now))
    assert (seen.name, seen.valid, seen.reason) == ("none", False, reason)
    assert player.names == ["press", "none"]
    player.play(78, {"PB": 0.8})
    assert player.recogniser.current(both(player.now)).name == "none"
    player.play(10, {"PB": 0.8})
    assert player.names == ["press", "none", "press"]


def test_a_bad_sample_breaks_the_hold_of_a_gesture_that_has_not_begun() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, hold_s=0.08)))
    player.play(60, {"PB": 0.8})
    player.play(2, {"PB": np.nan})
    player.play(60, {"PB": 0.8})
    assert player.names == []


def test_smoothing_hides_a_spike_and_starts_from_zero_after_a_bad_sample() -> None:
    rule = GestureRule("press", {"PB": 1.0}, hold_s=0.0, refractory_s=0.0)
    player = Player(GestureConfig(gestures=(rule,), smoothing_s=0.1))
    player.play(100, REST)
    player.play(6, {"PB": 3.0})
    player.play(200, REST)
    assert player.names == []
    player.play(500, {"PB": 0.8})
    player.play(2, {"PB": np.nan})
    player.play(40, {"PB": 0.8})
    assert player.names == ["press", "none"]


def test_a_gap_in_the_samples_ends_a_gesture() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0}, refractory_s=0.0)))
    player.play(200, {"PB": 0.8})
    player.stamp += 101 * MS
    player.play(40, {"PB": 0.8})
    assert player.names == ["press", "none"]


def test_a_clock_set_back_does_not_carry_a_gesture_into_the_new_time() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0})))
    player.play(200, {"PB": 0.8})
    player.stamp -= 3_600_000 * MS
    player.play(40, {"PB": 0.8})
    assert player.names == ["press", "none"]
    player.play(200, {"PB": 0.8})
    assert player.names == ["press", "none", "press"]


def test_a_refractory_time_does_not_outlive_the_clock_it_was_measured_by() -> None:
    player = Player(sharp(GestureRule("press", {"PB": 1.0})))
    player.play(200, {"PB": 0.8})
    player.play(100, REST)
    player.stamp -= 3_600_000 * MS
    player.play(200, {"PB": 0.8})
    assert player.names == ["press", "none", "press"]


def test_changed_is_said_once_for_each_change() -> None:
    player = Player()
    recogniser = player.recogniser
    assert recogniser.current(both(player.now)).changed
    player.play(100, REST)
    assert [recogniser.current(both(player.now)).changed for _ in range(2)] == [True, False]
    player.play(300, {"PB": 0.8})
    assert [recogniser.current(both(player.now)).changed for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"name": "none", "weights": {"PB": 1.0}}, "cannot be called 'none'"),
        ({"name": "x", "weights": {}}, "'x' needs a muscle with a weight above 0"),
        ({"name": "x", "weights": {"PB": -1.0}}, "'x' needs a muscle with a weight above 0"),
        ({"name": "x", "weights": {"PB": float("nan")}}, "the weight of 'PB' is nan"),
        ({"name": "x", "weights": {"PB": 1.0}, "on": 0.2}, "on is 0.2, but must be above 0.2"),
        ({"name": "x", "weights": {"PB": 1.0}, "off": 0.0}, "off is 0.0, but must be above 0"),
        ({"name": "x", "weights": {"PB": 1.0}, "hold_s": -1}, "hold_s is -1"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_words(settings_: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GestureRule(**settings_)


def test_two_gestures_of_one_name_and_unknown_muscles_are_refused() -> None:
    rule = GestureRule("press", {"biceps": 1.0})
    with pytest.raises(ValueError, match="press is given more than once"):
        GestureConfig(gestures=(rule, rule))
    with pytest.raises(ValueError, match="gesture 'press' names the muscle 'biceps'"):
        GestureRecogniser(GestureConfig(gestures=(rule,)), MUSCLES)
    with pytest.raises(ValueError, match="there are no gestures"):
        GestureConfig(gestures=())


def test_a_hand_that_is_invalid_neither_acts_nor_rests() -> None:
    apart = GestureRule("apart", {"R_1DI": 1.0, "L_1DI": -0.5})
    right = GestureRule("right", {"R_ADM": 1.0})
    recogniser = GestureRecogniser(sharp(apart, right), ["L_1DI", "R_1DI", "R_ADM"])
    stamps = NOW + STEP * np.arange(400)
    for number, (flags, row, name) in enumerate(
        [
            (0, [0, 0.9, 0], "apart"),
            (Flag.LEFT_INVALID, [0, 0.9, 0], "none"),
            (Flag.LEFT_INVALID, [0, 0.0, 0.9], "right"),
        ]
    ):
        later = stamps + number * 400 * STEP
        now = both(int(later[-1]) + 60 * MS)
        recogniser.push_effort(later, np.tile(row, (400, 1)), np.full(400, int(flags)), now)
        assert recogniser.current(now).name == name
