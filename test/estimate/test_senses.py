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

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.registry import architecture_of
from support.models import light, listed, signal

BOTH = ("pose", "keys")
SAMPLES, HOP = 600, 10
LOST = slice(250, 400)
STREAMS = listed()
OFFSET = (*np.linspace(0.2, 0.8, 84).tolist(), *[0.0] * 88)
SCALE = (*[0.1] * 84, *[1.0] * 88)
FLAGS = {"pose": Flag.POSE_LOST, "keys": Flag.CHANNELS_MISSING}


@pytest.fixture(scope="module")
def model():
    """A model that can do without either sense."""
    return light(optional=BOTH, offset=OFFSET, scale=SCALE)


def effort_and_flags(model, values, lost=None):
    """Run a signal through the whole estimator, hop by hop, with senses lost as a table says."""
    card, tensors = model
    estimator = EffortEstimator(card, architecture_of(card).stream(card, tensors))
    grid = Grid(card.rate_hz)
    start = grid.first_at(1_700_000_000 * 10**9)
    missing, flags = np.zeros(SAMPLES, np.uint32), np.zeros(SAMPLES, FlagBits)
    for sense, part in (lost or {}).items():
        missing[part] |= np.uint32(STREAMS.bits(sense))
        flags[part] |= FlagBits(FLAGS[sense])
    efforts, marks = [], []
    for at in range(0, SAMPLES, HOP):
        part = slice(at, at + HOP)
        chunk = AlignedChunk(
            stamp_ns=grid.stamp_ns(start + at),
            first_index=at,
            grid_index=start + at,
            rate_hz=card.rate_hz,
            values=values[part],
            missing=missing[part],
            flags=flags[part],
        )
        out = estimator.push(chunk)
        if out is not None:
            efforts.append(out.effort)
            marks.append(out.flags)
    return np.concatenate(efforts), np.concatenate(marks)


@pytest.mark.parametrize("sense", BOTH)
def test_a_missing_optional_sense_is_flagged_and_its_values_have_no_effect(model, sense) -> None:
    values, columns = signal(model[0], SAMPLES), STREAMS.senses[sense]
    effort, flags = effort_and_flags(model, values, {sense: LOST})
    spoilt, blanked = values.copy(), values.copy()
    spoilt[LOST, columns] = 0.123
    again, _ = effort_and_flags(model, spoilt, {sense: LOST})
    assert np.array_equal(effort, again)
    blanked[LOST, columns] = neutral_row(model[0])[columns]
    expected, none = effort_and_flags(model, blanked)
    assert np.array_equal(effort, expected)
    assert not (none[300:] & Flag.INVALID).any()
    middle = slice(550, 700)  # about the middle of what is lost, in samples of effort
    assert (flags[middle] == FLAGS[sense]).all()


@pytest.mark.parametrize("sense", BOTH)
def test_the_stream_goes_on_when_the_sense_returns(model, sense) -> None:
    values = signal(model[0], SAMPLES)
    effort, flags = effort_and_flags(model, values, {sense: LOST})
    whole, _ = effort_and_flags(model, values)
    assert effort.shape == whole.shape
    lost, after = slice(500, 780), slice(860, None)
    assert np.abs(effort[lost] - whole[lost]).max() > 1e-3
    assert (flags[after] == 0).all()
    # The decoder remembers its own output, so the way back is a short one, not a step.
    assert np.abs(effort[-50:] - whole[-50:]).max() < 0.1 * np.abs(effort[lost] - whole[lost]).max()


def test_without_any_sense_effort_is_invalid(model) -> None:
    _, flags = effort_and_flags(model, signal(model[0], SAMPLES), dict.fromkeys(BOTH, LOST))
    gone = Flag.POSE_LOST | Flag.CHANNELS_MISSING | Flag.INVALID
    assert (flags[550:700] == gone).all()
    assert not (flags[860:] & Flag.INVALID).any()


def test_senses_that_are_lost_one_after_the_other_leave_effort_valid(model) -> None:
    lost = {"pose": slice(300, 400), "keys": slice(400, 500)}
    _, flags = effort_and_flags(model, signal(model[0], SAMPLES), lost)
    both = Flag.POSE_LOST | Flag.CHANNELS_MISSING
    assert ((flags & both) == both).any()  # where the look-ahead sees both
    assert not (flags[300:] & Flag.INVALID).any()
