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

"""Effort of the left hand is that of its mirror image; of two hands each has its own."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk, EffortChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.core.hands import Mirror, streams_of
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.estimate.two_hands import HandsEstimator, estimate_by_hand
from kpm_ros.models.card import CardError
from kpm_ros.models.hands import card_of_hand
from kpm_ros.models.registry import architecture_of
from support.models import light

STREAMS = Streams((Landmarks("hand", find_skeleton("mediapipe-hand"), 3, "keyboard"), PianoKeys()))
BOTH = streams_of(STREAMS, "both")
SAMPLES, HOP = 1400, 20
CARD, TENSORS = light(streams=STREAMS, offset=(), scale=())
GRID = Grid(CARD.rate_hz)
START = GRID.first_at(1_700_000_000 * 10**9)


def estimator() -> EffortEstimator:
    return EffortEstimator(CARD, architecture_of(CARD).stream(CARD, TENSORS))


def played(seed: int) -> np.ndarray:
    """A hand on the keys: rows of a model's streams."""
    draw = np.random.default_rng(seed)
    values = np.cumsum(draw.normal(0, 2e-3, (SAMPLES, STREAMS.width)), axis=0)
    values[:, STREAMS.columns["keys"]] = draw.uniform(0, 1, 88) > 0.9
    return (values + 0.4 * (np.arange(STREAMS.width) < 63)).astype(np.float32)


def chunks(values: np.ndarray, missing: np.ndarray | None = None) -> list[AlignedChunk]:
    gone = np.zeros(len(values), np.uint32) if missing is None else missing
    return [
        AlignedChunk(
            GRID.stamp_ns(START + at),
            at,
            START + at,
            float(CARD.rate_hz),
            values[at : at + HOP],
            gone[at : at + HOP],
            np.zeros(HOP, FlagBits),
        )
        for at in range(0, len(values), HOP)
    ]


def run(one, parts: list[AlignedChunk]) -> EffortChunk:
    found = [effort for part in parts if (effort := one.push(part)) is not None]
    for before, after in itertools.pairwise(found):
        assert after.first_index == before.first_index + len(before)
    return replace(
        found[0],
        effort=np.concatenate([part.effort for part in found]),
        flags=np.concatenate([part.flags for part in found]),
    )


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rows of two hands that share the right one's keys."""
    hand = STREAMS.columns["hand"]
    return np.concatenate([left[:, hand], right], axis=1)


def test_a_left_hand_is_worth_what_its_mirror_image_is() -> None:
    values = played(1)
    right = run(estimator(), chunks(values))
    seen = Mirror(STREAMS)(values)
    # Keys beyond the piano have no mirror image.
    values[:, STREAMS.columns["keys"]][:, -5:] = 0
    again = Mirror(STREAMS)(seen)
    left = run(HandsEstimator(CARD, "left", estimator), chunks(seen))
    alike = run(estimator(), chunks(again))
    np.testing.assert_array_equal(left.effort, alike.effort)
    np.testing.assert_array_equal(left.flags, right.flags)
    assert right.effort.std() > 0


def test_two_hands_are_worth_what_each_is_alone() -> None:
    left, right = played(2), played(3)
    left[:, STREAMS.columns["keys"]] = right[:, STREAMS.columns["keys"]]
    both = run(HandsEstimator(CARD, "both", estimator), chunks(side_by_side(left, right)))
    alone = run(HandsEstimator(CARD, "left", estimator), chunks(left))
    np.testing.assert_array_equal(both.effort[:, :6], alone.effort)
    np.testing.assert_array_equal(both.effort[:, 6:], run(estimator(), chunks(right)).effort)
    assert (
        card_of_hand(CARD, "both").muscles[5:7] == ("L_4DI", "R_ADM") or both.effort.shape[1] == 12
    )


@pytest.mark.parametrize("side", [0, 1])
def test_a_hand_out_of_sight_decays_and_the_other_goes_on(side: int) -> None:
    values = side_by_side(played(4), played(5))
    missing = np.zeros(SAMPLES, np.uint32)
    missing[900:] = 1 << side
    whole = run(HandsEstimator(CARD, "both", estimator), chunks(values))
    partly = run(HandsEstimator(CARD, "both", estimator), chunks(values, missing))
    own, other = slice(6 * side, 6 * side + 6), slice(6 - 6 * side, 12 - 6 * side)
    np.testing.assert_array_equal(partly.effort[:, other], whole.effort[:, other])
    flag = (Flag.LEFT_INVALID, Flag.RIGHT_INVALID)[side]
    gone = (partly.flags & flag) != 0
    assert gone[-1]
    assert not partly.effort[-1, own].any()
    assert not (partly.flags[gone & (whole.flags == 0)] & Flag.INVALID).any()


def test_with_neither_hand_in_sight_or_no_keys_all_is_invalid() -> None:
    values = side_by_side(played(4), played(5))
    for bits in (0b011, 0b100):
        missing = np.full(SAMPLES, bits, np.uint32)
        flags = run(HandsEstimator(CARD, "both", estimator), chunks(values, missing)).flags
        assert ((flags & Flag.INVALID) != 0).all()
        assert ((flags & (Flag.LEFT_INVALID | Flag.RIGHT_INVALID)) == 0xC000).all()


@pytest.mark.parametrize(
    "reason", [Flag.UNREGISTERED, Flag.CAMERA_MOVED, Flag.STRANGE_ROOM, Flag.KEYS_APART]
)
def test_where_the_room_is_unfamiliar_both_hands_are_invalid(reason: Flag) -> None:
    said = FlagBits(Flag.UNFAMILIAR | reason)
    parts = chunks(side_by_side(played(4), played(5)))
    strange = [replace(part, flags=part.flags | said) for part in parts[45:]]
    found = run(HandsEstimator(CARD, "both", estimator), parts[:45] + strange)
    unfamiliar = (found.flags & said) == said
    assert unfamiliar[-1]
    every = Flag.INVALID | Flag.LEFT_INVALID | Flag.RIGHT_INVALID
    assert ((found.flags[unfamiliar] & every) == every).all()
    assert not found.effort[-1].any()
    # Nothing but warming up spoils what came before.
    before = found.flags[~unfamiliar]
    assert not (before[(before & Flag.WARMING_UP) == 0] & every).any()


def test_what_is_no_number_in_one_hand_leaves_instants_of_both_in_order() -> None:
    class Spoilt:
        """A network whose one output is no number."""

        def __init__(self, network) -> None:
            self._network, self.settling, self._pushes = network, network.settling, 0

        def push(self, rows):
            self._pushes += 1
            out = self._network.push(rows)
            return out * np.float32(np.nan) if self._pushes == 30 else out

        def reset(self, first_index: int) -> None:
            self._network.reset(first_index)

    made: list[EffortEstimator] = []

    def make() -> EffortEstimator:
        network = architecture_of(CARD).stream(CARD, TENSORS)
        made.append(EffortEstimator(CARD, network if made else Spoilt(network)))
        return made[-1]

    values = side_by_side(played(6), played(7))
    both = HandsEstimator(CARD, "both", make)
    found = run(both, chunks(values))
    assert both.counts.not_finite > 0
    whole = run(HandsEstimator(CARD, "both", estimator), chunks(values))
    np.testing.assert_array_equal(found.effort[:, 6:], whole.effort[: len(found), 6:])
    assert ((found.flags & Flag.LEFT_INVALID) != 0).sum() > HOP


def test_after_a_gap_the_index_counts_what_was_skipped() -> None:
    parts = chunks(side_by_side(played(4), played(5)))
    both = HandsEstimator(CARD, "both", estimator)
    one = estimator()
    alone = chunks(played(5))
    for here, there in zip(parts[:20] + parts[40:], alone[:20] + alone[40:], strict=True):
        effort, expected = both.push(here), one.push(there)
        assert (effort is None) == (expected is None)
        if effort is not None and expected is not None:
            assert (effort.stamp_ns, effort.first_index) == (
                expected.stamp_ns,
                expected.first_index,
            )
    assert both.counts.resets == 1


def test_whole_recordings_give_what_streaming_gives() -> None:
    parts = chunks(side_by_side(played(4), played(5)))

    def whole(given):
        one = estimator()
        return (effort for part in given if (effort := one.push(part)) is not None)

    found = list(estimate_by_hand(CARD, "both", whole, parts))
    streamed = run(HandsEstimator(CARD, "both", estimator), parts)
    np.testing.assert_array_equal(np.concatenate([c.effort for c in found]), streamed.effort)


def test_a_model_of_no_hand_is_refused() -> None:
    card, _ = light(streams=Streams((PianoKeys(),)), offset=(), scale=())
    with pytest.raises(CardError, match="hand:=left"):
        card_of_hand(card, "left")
