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

"""Other channels, and landmarks of any skeleton, at rates of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.channels import ChannelRules, ChannelStream
from kpm_ros.core.flags import Flag
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from support.senses import MS, T0, S, read_stream

FORCE = Channels("force", ("left", "right"), "N", 100.0)


def chunk(at_ms: int, first_index: int, count: int = 5, **changes: object) -> ChannelChunk:
    """Forces that rise by 1 N a second on one side and fall on the other."""
    seconds = at_ms / 1000 + np.arange(count) / FORCE.rate_hz
    rows = np.stack([seconds, -seconds], axis=1).astype(np.float32)
    made = ChannelChunk(
        "force", T0 + at_ms * MS, first_index, FORCE.rate_hz, FORCE.columns, "N", rows
    )
    return replace(made, **changes)


def stream(*chunks: ChannelChunk) -> ChannelStream:
    forces = ChannelStream(FORCE, ChannelRules())
    for one in chunks:
        assert forces.push(one, one.stamp_ns + MS) is Outcome.TAKEN
    return forces


def at(*at_ms: float) -> np.ndarray:
    return T0 + np.round(np.array(at_ms) * MS).astype(np.int64)


def test_channels_lie_on_straight_lines_between_samples() -> None:
    values, flags = read_stream(stream(chunk(0, 0), chunk(50, 5)), at(5, 47.5, 90), 2)
    assert values == pytest.approx(np.array([[0.005, -0.005], [0.0475, -0.0475], [0.09, -0.09]]))
    assert flags.tolist() == [0, 0, 0]


def test_silent_channels_are_held_then_missing() -> None:
    values, flags = read_stream(stream(chunk(0, 0)), at(500, 1041), 2)
    assert values[0] == pytest.approx([0.04, -0.04])
    assert values[1].tolist() == [0, 0]
    assert flags.tolist() == [Flag.HELD, Flag.CHANNELS_MISSING]


def test_channels_that_were_never_heard_are_missing() -> None:
    values, flags = read_stream(stream(), at(10), 2)
    assert values.tolist() == [[0, 0]]
    assert flags.tolist() == [Flag.CHANNELS_MISSING]


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": ("right", "left")},
        {"unit": "kg"},
        {"samples": np.zeros((5, 3), np.float32)},
        {"samples": np.full((5, 2), np.nan, np.float32)},
        {"samples": np.full((5, 2), np.inf, np.float32)},
        {"rate_hz": 0.0},
    ],
)
def test_other_channels_and_impossible_values_are_refused(changes: dict) -> None:
    forces = ChannelStream(FORCE, ChannelRules())
    assert forces.push(chunk(0, 0, **changes), T0 + 50 * MS) is Outcome.REFUSED


def test_a_stream_of_few_samples_is_waited_for_and_joined_by_its_own_interval() -> None:
    slow = Channels("force", ("left",), "N", 8.0)
    forces = ChannelStream(slow, ChannelRules())
    assert forces.wait_ns == 200 * MS
    for number in range(4):
        rows = np.full((1, 1), number, np.float32)
        one = ChannelChunk("force", T0 + number * 125 * MS, number, 8.0, ("left",), "N", rows)
        forces.push(one, one.stamp_ns + MS)
    values, flags = read_stream(forces, at(62.5, 187.5, 250), 1)
    assert values[:, 0].tolist() == pytest.approx([0.5, 1.5, 2.0])
    assert flags.tolist() == [0, 0, 0]


def body_frame(number: int, points: np.ndarray) -> LandmarkFrame:
    return LandmarkFrame(
        T0 + number * S // 30, "front", number, points, 1.0, skeleton="mediapipe-body"
    )


def test_a_view_in_metres_takes_metres_and_refuses_what_is_no_body() -> None:
    body = find_skeleton("mediapipe-body")
    view = Landmarks("front", body, dimensions=3, rate_hz=30.0, coordinates="metric")
    aligner = Aligner(AlignerConfig(streams=Streams((view,)), rate_hz=60))
    picture = np.full((len(body), 3), 0.5, np.float32)
    for number in range(30):
        metres = None if number == 3 else np.full((len(body), 3), number / 100, np.float32)
        one = replace(body_frame(number, picture), metres=metres)
        if number == 5:
            one = replace(one, metres=np.full((len(body), 3), 1000.0, np.float32))
        aligner.push_frame(one, one.stamp_ns + 20 * MS)
    chunks = aligner.advance(one.stamp_ns + 20 * MS)
    assert aligner.counts.refused == 2
    values = np.concatenate([chunk.values for chunk in chunks])
    assert 0.2 < values[-1].max() < 0.3  # metres, not the picture's fractions


def test_a_body_in_three_dimensions_at_30_fps_and_forces_share_a_grid() -> None:
    body = find_skeleton("mediapipe-body")
    streams = Streams((Landmarks("front", body, dimensions=3, rate_hz=30.0), FORCE))
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=60))
    chunks = []
    for number in range(60):
        points = np.full((len(body), 3), number / 100, np.float32)
        frame = body_frame(number, points)
        aligner.push_frame(frame, frame.stamp_ns + 20 * MS)
        forces = chunk(number * 50, number * 5)
        aligner.push_channels(forces, forces.stamp_ns + 50 * MS)
        chunks += aligner.advance(frame.stamp_ns + 20 * MS)
    values = np.concatenate([one.values for one in chunks])
    flags = np.concatenate([one.flags for one in chunks])
    seconds = np.concatenate([aligner.grid.stamps_ns(c.grid_index, len(c)) for c in chunks]) - T0
    assert values.shape[1] == 3 * 33 + 2
    # Nothing is waited for too short a time, though frames are two thirds of the usual limit apart.
    assert set(flags[10:].tolist()) == {0}
    expected = seconds[10:] / S * 0.3
    assert np.abs(values[10:, :99] - expected[:, None]).max() < 1e-5


def test_only_the_stream_that_is_silent_is_said_to_be_missing() -> None:
    body = find_skeleton("mediapipe-body")
    aligner = Aligner(
        AlignerConfig(streams=Streams((Landmarks("front", body), FORCE)), rate_hz=100)
    )
    for number in range(40):
        forces = chunk(number * 50, number * 5)
        aligner.push_channels(forces, forces.stamp_ns + 50 * MS)
    chunks = aligner.advance(T0 + 2 * S)
    assert set(np.concatenate([one.missing for one in chunks]).tolist()) == {0b01}


def test_landmarks_of_another_skeleton_or_too_deep_are_refused() -> None:
    body = find_skeleton("mediapipe-body")
    aligner = Aligner(
        AlignerConfig(streams=Streams((Landmarks("front", body, dimensions=3),)), rate_hz=100)
    )
    still = np.full((len(body), 3), 0.5, np.float32)
    deep = still.copy()
    deep[3, 2] = np.nan
    aligner.push_frame(replace(body_frame(0, still), skeleton="openpose-body25"), T0)
    aligner.push_frame(body_frame(1, still[:-1]), T0 + 33 * MS)
    aligner.push_frame(body_frame(2, deep), T0 + 66 * MS)
    aligner.push_frame(body_frame(3, still), T0 + 100 * MS)
    assert aligner.counts.refused == 3
