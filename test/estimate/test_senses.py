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

"""Effort goes on without a sense that the model was trained to do without, and says so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import blank, judge, neutral_pose
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.shapes import CardError, structure_of
from kpm_ros.models.pianokpm.stream import StreamingEstimator

BOTH = ("pose", "keys")
SAMPLES, HOP = 600, 10
LOST = slice(250, 400)
OFFSET = tuple(np.linspace(0.2, 0.8, published_card().pose_channels).tolist())
SCALE = (0.1,) * published_card().pose_channels


@pytest.fixture(scope="module")
def model(light):
    """A model that can do without either sense."""
    return light(optional=BOTH, pose_offset=OFFSET, pose_scale=SCALE)


def effort_and_flags(model, pose, keys, flags):
    """Run a signal through the whole estimator, hop by hop."""
    card, tensors = model
    estimator = EffortEstimator(card, StreamingEstimator(card, tensors))
    grid = Grid(card.rate_hz)
    start = grid.first_at(1_700_000_000 * 10**9)
    efforts, marks = [], []
    for at in range(0, len(flags), HOP):
        part = slice(at, at + HOP)
        chunk = AlignedChunk(
            stamp_ns=grid.stamp_ns(start + at),
            first_index=at,
            grid_index=start + at,
            rate_hz=card.rate_hz,
            pose=pose[part],
            keys=keys[part],
            flags=flags[part],
        )
        out = estimator.push(chunk)
        if out is not None:
            efforts.append(out.effort)
            marks.append(out.flags)
    return np.concatenate(efforts), np.concatenate(marks)


def flagged(*missing: Flag) -> np.ndarray:
    flags = np.zeros(SAMPLES, np.uint8)
    for flag in missing:
        flags[LOST] |= np.uint8(flag)
    return flags


@pytest.mark.parametrize("sense", BOTH)
def test_a_missing_optional_sense_is_flagged_and_its_values_have_no_effect(
    model, play, sense
) -> None:
    pose, keys = play(model[0], SAMPLES)
    flag = {"pose": Flag.POSE_LOST, "keys": Flag.CHANNELS_MISSING}[sense]
    effort, flags = effort_and_flags(model, pose, keys, flagged(flag))
    spoilt = {"pose": pose.copy(), "keys": keys.copy()}
    spoilt[sense][LOST] = 0.123
    again, _ = effort_and_flags(model, **spoilt, flags=flagged(flag))
    assert np.array_equal(effort, again)
    blanked = {"pose": pose.copy(), "keys": keys.copy()}
    blanked[sense][LOST] = {"pose": np.float32(OFFSET), "keys": -1}[sense]
    expected, none = effort_and_flags(model, **blanked, flags=flagged())
    assert np.array_equal(effort, expected)
    assert not (none[300:] & Flag.INVALID).any()
    middle = slice(550, 700)  # about the middle of what is lost, in samples of effort
    assert (flags[middle] == flag).all()


@pytest.mark.parametrize("sense", BOTH)
def test_the_stream_goes_on_when_the_sense_returns(model, play, sense) -> None:
    pose, keys = play(model[0], SAMPLES)
    flag = {"pose": Flag.POSE_LOST, "keys": Flag.CHANNELS_MISSING}[sense]
    effort, flags = effort_and_flags(model, pose, keys, flagged(flag))
    whole, _ = effort_and_flags(model, pose, keys, flagged())
    assert effort.shape == whole.shape
    lost, after = slice(500, 780), slice(860, None)
    assert np.abs(effort[lost] - whole[lost]).max() > 1e-3
    assert (flags[after] == 0).all()
    # The decoder remembers its own output, so the way back is a short one, not a step.
    assert np.abs(effort[-50:] - whole[-50:]).max() < 0.1 * np.abs(effort[lost] - whole[lost]).max()


def test_without_any_sense_effort_is_invalid(model, play) -> None:
    pose, keys = play(model[0], SAMPLES)
    lost = flagged(Flag.POSE_LOST, Flag.CHANNELS_MISSING)
    _, flags = effort_and_flags(model, pose, keys, lost)
    gone = Flag.POSE_LOST | Flag.CHANNELS_MISSING | Flag.INVALID
    assert (flags[550:700] == gone).all()
    assert not (flags[860:] & Flag.INVALID).any()


def test_senses_that_are_lost_one_after_the_other_leave_effort_valid(model, play) -> None:
    pose, keys = play(model[0], SAMPLES)
    flags = np.zeros(SAMPLES, np.uint8)
    flags[300:400], flags[400:500] = Flag.POSE_LOST, Flag.CHANNELS_MISSING
    _, out = effort_and_flags(model, pose, keys, flags)
    both = Flag.POSE_LOST | Flag.CHANNELS_MISSING
    assert ((out & both) == both).any()  # where the look-ahead sees both
    assert not (out[300:] & Flag.INVALID).any()


@pytest.mark.parametrize("optional", [(), ("keys",)])
def test_a_sense_the_model_needs_makes_effort_invalid(optional) -> None:
    card = published_card(optional=optional)
    flags = np.array([0, Flag.POSE_LOST, Flag.CHANNELS_MISSING, Flag.POSE_STALE], np.uint8)
    invalid = (judge(flags, card) & Flag.INVALID) != 0
    assert invalid.tolist() == [False, True, not optional, False]


def test_what_the_model_cannot_do_without_is_not_blanked(play) -> None:
    card = published_card(optional=("keys",), pose_offset=OFFSET, pose_scale=SCALE)
    pose, keys = play(card, 20)
    before = keys.copy()
    flags = np.full(20, Flag.POSE_LOST | Flag.CHANNELS_MISSING, np.uint8)
    flags[:5] = 0
    seen, felt = blank(pose, keys, flags, card)
    assert np.array_equal(seen, pose)
    assert np.array_equal(felt[:5], keys[:5])
    assert (felt[5:] == -1).all()
    assert felt.dtype == np.float32
    assert np.array_equal(keys, before)


def test_the_neutral_pose_is_nothing_once_normalised() -> None:
    assert np.array_equal(neutral_pose(published_card(pose_offset=OFFSET)), np.float32(OFFSET))
    assert not neutral_pose(published_card()).any()


def test_a_card_of_an_earlier_version_can_do_without_nothing() -> None:
    metadata = published_card(optional=("keys",)).to_metadata()
    assert ModelCard.from_metadata(metadata).optional == ("keys",)
    fields = json.loads(metadata["kpm_card"])
    del fields["optional"]
    assert ModelCard.from_metadata({"kpm_card": json.dumps(fields)}).optional == ()


def test_a_card_that_does_without_what_it_does_not_take_is_refused() -> None:
    for optional in (("keys",), ("emg",), ([],)):
        with pytest.raises(CardError, match="can do without its inputs pose only"):
            structure_of(published_card(inputs=("pose",), optional=optional))
