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
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.estimate.offline import estimate_whole
from kpm_ros.models.pianokpm.stream import StreamingEstimator

START = 1_700_000_000 * 1024


def chunks_of(card, pose, keys, gaps=()):
    """Chunks of ten samples, with a hole of a second before each chunk that `gaps` names."""
    grid, made, shift = Grid(card.rate_hz), [], 0
    for number, at in enumerate(range(0, len(pose), 10)):
        shift += card.rate_hz * (number in gaps)
        index = START + at + shift
        rows = slice(at, at + 10)
        flags = np.zeros(len(pose[rows]), np.uint8)
        if number == 12:
            flags[:] = Flag.POSE_LOST
        made.append(
            AlignedChunk(
                grid.stamp_ns(index), at, index, card.rate_hz, pose[rows], keys[rows], flags
            )
        )
    return made


@pytest.mark.parametrize("inputs", [("pose", "keys"), ("pose",)])
def test_a_whole_recording_gives_what_streaming_gives_gaps_and_flags_included(light, play, inputs):
    card, tensors = light(inputs=inputs)
    pose, keys = play(card, 600)
    keys = keys if keys is not None else np.zeros((600, card.keys), np.float32)
    chunks = chunks_of(card, pose, keys, gaps=(20, 40))

    streaming = EffortEstimator(card, StreamingEstimator(card, tensors))
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
