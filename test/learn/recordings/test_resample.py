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

"""Recordings on a grid are what the live pipeline makes of the same frames, sample by sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import (
    JOINED,
    NEWEST,
    Channels,
    Landmarks,
    PianoKeys,
    Stream,
    Streams,
)
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries, Truth
from kpm_ros.learn.recordings.resample import resampler
from kpm_ros.sense.samples import ChannelChunk, KeyMotionChunk, LandmarkFrame

BASE_NS = 1_700_000_000 * NS_PER_S
RATE_HZ = 250
TIPS = find_skeleton("fingertips")


def push(aligner: Aligner, series: TimeSeries, k: int) -> None:
    """Hand a frame of the recording on, as its device would have."""
    stream, row = series.stream, np.asarray(series.values[k], np.float32)
    stamp_ns = BASE_NS + int(series.stamps_ns[k])
    if isinstance(stream, Landmarks):
        points = np.zeros((len(stream.skeleton), 3), np.float32)
        points[:, : stream.dimensions] = row.reshape(-1, stream.dimensions)
        seen = points if np.isfinite(row).all() else None
        name = stream.skeleton.name
        known_ns = stamp_ns if series.known_s is None else BASE_NS + round(series.known_s[k] * 1e9)
        frame = LandmarkFrame(stamp_ns, stream.name, k, seen, 1.0, name, processed_ns=known_ns)
        aligner.push_frame(frame, known_ns)
    elif not np.isfinite(row).all():
        return  # a sensor that is off sends nothing
    elif isinstance(stream, PianoKeys):
        chunk = KeyMotionChunk(stamp_ns, k, stream.rate_hz, stream.first_note, row[None])
        aligner.push_key_motion(chunk, stamp_ns)
    else:
        sent = (stream.rate_hz, stream.columns, stream.unit, row[None])
        aligner.push_channels(ChannelChunk(stream.name, stamp_ns, k, *sent), stamp_ns)


def live(series: TimeSeries, until_s: float, streams: Streams) -> list[AlignedChunk]:
    """What the aligner hands on when every frame comes the moment it is known."""
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=RATE_HZ))
    chunks, now_ns, end_ns = [], BASE_NS, BASE_NS + round(until_s * NS_PER_S)
    frames = iter(range(len(series)))
    following = next(frames, None)
    while now_ns < end_ns + NS_PER_S // 2:
        now_ns += NS_PER_S // 200
        while following is not None and BASE_NS + _known_ns(series, following) <= now_ns:
            at_ns = BASE_NS + _known_ns(series, following)
            chunks += aligner.advance(at_ns - 1)
            push(aligner, series, following)
            following = next(frames, None)
        chunks += aligner.advance(now_ns)
    return chunks


def _known_ns(series: TimeSeries, frame: int) -> int:
    if series.known_s is None:
        return int(series.stamps_ns[frame])
    return round(series.known_s[frame] * NS_PER_S)


def moving(stream: Stream, frames: int, seed: int = 1) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.01, (frames, stream.width))
    return np.clip(0.5 + np.cumsum(steps, axis=0), 0, 1).astype(np.float32)


def same_as_live(series: TimeSeries, until_s: float, timing: str = JOINED) -> np.ndarray:
    stream = series.stream
    streams = Streams((replace(stream, timing=timing) if timing != JOINED else stream,))
    chunks = live(series, until_s, streams)
    first, count = chunks[0].grid_index, sum(len(chunk) for chunk in chunks)
    at_ns = Grid(RATE_HZ).stamps_ns(first, count)
    truth = Truth(("m",), "1", RATE_HZ, np.zeros((count, 1), np.float32))
    truth = replace(truth, start_s=(int(at_ns[0]) - BASE_NS) / NS_PER_S)
    recording = Recording("a", "p", "t", "1", (series,), truth)
    found = GridRecording(recording, streams, RATE_HZ).window()
    flags = np.concatenate([chunk.flags for chunk in chunks])
    np.testing.assert_array_equal(found.flags, flags)
    missing = np.concatenate([chunk.missing for chunk in chunks])
    np.testing.assert_array_equal(found.missing, missing)
    np.testing.assert_array_equal(found.values, np.concatenate([c.values for c in chunks]))
    return flags


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0, 100.0])
def test_a_view_of_any_rate_with_gaps_is_as_live(rate_hz: float) -> None:
    view = Landmarks("front", TIPS, rate_hz=rate_hz)
    values = moving(view, int(4 * rate_hz))
    for start_s, stop_s in ((0.5, 0.5), (1.0, 1.2), (2.0, 2.7), (3.7, 3.9)):
        values[int(start_s * rate_hz) : int(stop_s * rate_hz) + 1] = np.nan
    same_as_live(TimeSeries(view, values), 3.99)


def test_frames_that_come_when_they_like_are_as_live() -> None:
    view = Landmarks("front", TIPS, dimensions=3, rate_hz=30.0)
    random = np.random.default_rng(3)
    # As of a camera that slows down in the dark, and loses frames.
    stamps_s = 0.01 + np.cumsum(random.uniform(0.02, 0.06, 90))
    stamps_s[60:] += 0.4
    values = moving(view, 90)
    values[20:22] = np.nan
    values[40:50] = values[39]  # a picture that stands still
    flags = same_as_live(TimeSeries(view, values, stamps_s=stamps_s), stamps_s[-1])
    assert len(np.unique(flags)) >= 3


@pytest.mark.parametrize("rate_hz", [6.0, 30.0, 60.0, 120.0])
def test_the_newest_points_of_a_view_are_as_live(rate_hz: float) -> None:
    view = Landmarks("front", TIPS, rate_hz=rate_hz)
    random = np.random.default_rng(7)
    count = int(4 * rate_hz)
    stamps_s = (np.arange(count) + random.uniform(0, 0.2, count)) / rate_hz
    known_s = np.maximum.accumulate(stamps_s + random.uniform(0.004, 0.04, count))
    values = moving(view, count)
    for start_s, stop_s in ((0.5, 0.5), (1.0, 1.2), (3.7, 3.9)):
        values[int(start_s * rate_hz) : int(stop_s * rate_hz) + 1] = np.nan
    still = slice(int(2 * rate_hz), int(2.5 * rate_hz))
    values[still] = values[still.start]
    series = TimeSeries(view, values, stamps_s=stamps_s, known_s=known_s)
    assert len(np.unique(same_as_live(series, 3.99, NEWEST))) >= 3


@pytest.mark.parametrize("rate_hz", [8.0, 100.0, 1000.0])
def test_channels_with_gaps_are_as_live(rate_hz: float) -> None:
    channels = Channels("force", ("a", "b"), "N", rate_hz)
    values = moving(channels, int(4 * rate_hz))
    for start_s, stop_s in ((0.5, 0.55), (1.0, 1.2), (2.0, 3.3)):
        values[int(start_s * rate_hz) : int(stop_s * rate_hz)] = np.nan
    same_as_live(TimeSeries(channels, values), 3.9)


def test_keys_are_as_live_and_those_that_are_not_sensed_stay_so() -> None:
    keys = PianoKeys(first_note=60, count=3, rate_hz=200.0)
    values = moving(keys, 800)
    values[:, 1] = -1
    values[300:620] = np.nan
    same_as_live(TimeSeries(keys, values), 3.9)


def test_a_window_is_what_the_whole_recording_has_there() -> None:
    view, force = Landmarks("front", TIPS, rate_hz=30.0), Channels("force", ("a",), "N", 100.0)
    values = moving(view, 60)
    values[10:20] = np.nan
    streams = Streams((view, force))
    series = (TimeSeries(view, values, 0.013), TimeSeries(force, moving(force, 200), -0.1))
    truth = Truth(("m",), "1", 100.0, moving(force, 200), 0.02)
    one = GridRecording(Recording("a", "p", "t", "1", series, truth), streams, 100)
    whole = one.window()
    part = one.window(37, 121)
    for all_of_it, some in zip(whole, part, strict=True):
        np.testing.assert_array_equal(all_of_it[37:121], some)
    assert one.effort is truth.values


def test_a_stream_that_a_recording_lacks_is_missing_throughout() -> None:
    view, force = Landmarks("front", TIPS, rate_hz=100.0), Channels("force", ("a",), "N", 100.0)
    keys = PianoKeys()
    truth = Truth(("m",), "1", 100.0, moving(force, 50))
    recording = Recording("a", "p", "t", "1", (TimeSeries(view, moving(view, 50)),), truth)
    window = GridRecording(recording, Streams((force, view, keys)), 100).window()
    assert set(window.missing.tolist()) == {0b101}
    assert (window.values[:, 0] == 0).all()
    assert (window.values[:, -keys.count :] == -1).all()


def test_a_model_may_take_fewer_dimensions_keys_and_channels_than_were_recorded() -> None:
    deep = Landmarks("front", TIPS, dimensions=3, rate_hz=100.0)
    piano = PianoKeys(first_note=48, count=12, rate_hz=100.0)
    force = Channels("force", ("a", "b", "c"), "N", 100.0)
    recorded = [TimeSeries(stream, moving(stream, 50)) for stream in (deep, piano, force)]
    truth = Truth(("m",), "1", 100.0, moving(Channels("m", ("m",), "1", 100.0), 50))
    recording = Recording("a", "p", "t", "1", tuple(recorded), truth)
    flat = Landmarks("front", TIPS, rate_hz=60.0)
    fewer = PianoKeys(first_note=46, count=4)
    some = Channels("force", ("c", "a"), "N", 10.0)
    values = GridRecording(recording, Streams((flat, fewer, some)), 100).values()
    points = recorded[0].values.reshape(-1, len(TIPS), 3)[..., :2].reshape(50, -1)
    np.testing.assert_array_equal(values[:, : flat.width], points)
    np.testing.assert_array_equal(values[:, -6:-4], np.full((50, 2), -1))
    np.testing.assert_array_equal(values[:, -4:-2], recorded[1].values[:, :2])
    np.testing.assert_array_equal(values[:, -2:], recorded[2].values[:, [2, 0]])
    with pytest.raises(RecordingError, match="has the skeleton 'fingertips', not 'mediapipe-hand'"):
        other = Landmarks("front", find_skeleton("mediapipe-hand"))
        GridRecording(recording, Streams((other,)), 100).values()


def test_effort_of_another_rate_is_brought_onto_the_grid_by_lines() -> None:
    force = Channels("force", ("a",), "N", 100.0)
    truth = Truth(("m",), "1", 50.0, np.array([[0.0], [1.0], [3.0]], np.float32))
    recording = Recording("a", "p", "t", "1", (TimeSeries(force, moving(force, 9)),), truth)
    one = GridRecording(recording, Streams((force,)), 100)
    assert one.effort[:, 0].tolist() == [0.0, 0.5, 1.0, 2.0, 3.0]
    assert len(one.values()) == len(one.effort) == len(one)


def test_pixels_are_not_taken_for_fractions() -> None:
    view = Landmarks("front", TIPS, rate_hz=100.0)
    series = TimeSeries(view, moving(view, 50) * 640)
    with pytest.raises(RecordingError, match="must be fractions of the image's width"):
        resampler(series).read(np.arange(3))


def test_stretched_frames_have_their_ends_on_the_windows_ends() -> None:
    view = Landmarks("front", TIPS, rate_hz=60.0)
    series = TimeSeries(view, moving(view, 120))
    truth = Truth(("m",), "1", 1024.0, np.zeros((2048, 1), np.float32))
    recording = Recording("a", "p", "t", "1", (series,), truth)
    window = GridRecording(recording, Streams((view,)), 1024).stretched(1024, 2048)
    np.testing.assert_array_equal(window[[0, -1]], series.values[[60, 119]])
    between = series.values[60] + (series.values[61] - series.values[60]) * (59 / 1023)
    np.testing.assert_allclose(window[1], between, atol=1e-6)
