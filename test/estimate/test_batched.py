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

"""A recording evaluated whole gives what streaming it gives."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.batched import estimate_whole
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.registry import architecture_of
from support.models import POSE_ONLY, light, listed, signal

START = 1_700_000_000 * 1024


def chunks_of(card, values, gaps=()):
    """Chunks of ten samples, with a hole of a second before each chunk that `gaps` names."""
    grid, made, shift = Grid(card.rate_hz), [], 0
    for number, at in enumerate(range(0, len(values), 10)):
        shift += card.rate_hz * (number in gaps)
        index = START + at + shift
        rows = slice(at, at + 10)
        lost = number == 12
        missing = np.full(len(values[rows]), card.streams.bits("pose") * lost, np.uint32)
        flags = np.full(len(values[rows]), Flag.POSE_LOST * lost, FlagBits)
        made.append(
            AlignedChunk(
                grid.stamp_ns(index), at, index, card.rate_hz, values[rows], missing, flags
            )
        )
    return made


@pytest.mark.parametrize("streams", [listed(), POSE_ONLY], ids=["pose+keys", "pose"])
@pytest.mark.parametrize("architecture", ["pianokpm-light", "ridge"])
def test_a_whole_recording_gives_what_streaming_gives_gaps_and_flags_included(
    streams, architecture
):
    card, tensors = light(streams=streams, architecture=architecture)
    chunks = chunks_of(card, signal(card, 600), gaps=(20, 40))

    streaming = EffortEstimator(card, architecture_of(card).stream(card, tensors))
    streamed = [made for chunk in chunks if (made := streaming.push(chunk)) is not None]
    whole = list(
        estimate_whole(chunks, card, tensors, lambda net: EffortEstimator(card, net), "cpu")
    )

    assert [c.first_index for c in whole] == [c.first_index for c in streamed]
    assert [c.stamp_ns for c in whole] == [c.stamp_ns for c in streamed]
    for ours, theirs in zip(whole, streamed, strict=True):
        np.testing.assert_array_equal(ours.flags, theirs.flags)
        np.testing.assert_allclose(ours.effort, theirs.effort, atol=1e-4)
    assert any(np.abs(chunk.effort).max() > 0 for chunk in whole)
