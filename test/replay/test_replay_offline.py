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

"""A replay gives what the run gave, whatever the bag looks like, and the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionMode

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.core.flags import Flag
from kpm_ros.core.streams import NEWEST, Streams
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models import weight_files
from kpm_ros.models.pianokpm.published import RATE_HZ, published_card, published_streams
from kpm_ros.models.pianokpm.stream import PianoKPMStream
from kpm_ros.replay import offline
from kpm_ros.replay.bag import BagError, BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.compare import Fingerprints
from kpm_ros.replay.effort import joined, read_effort
from kpm_ros.replay.topics import TopicFinder
from kpm_ros.wire.decode import aligned_chunk
from support import bags
from support.bags import MS, T0, S

MUSCLES = 6


def estimator(model):
    card, tensors = weight_files.load_model(model)
    return EffortEstimator(card, PianoKPMStream(card, tensors))


def replayed(path, model, hop_s=offline.LOOK_S):
    """Effort, aligned samples and counts of one replay."""
    with BagReader(path) as bag:
        replay = offline.Replay(bag, weight_files.read_card(model))
        aligner = Aligner(AlignerConfig(streams=published_streams(), rate_hz=RATE_HZ, hop_s=hop_s))
        inputs = TopicFinder(bag).inputs(published_streams())
        chunks = list(replay.align(inputs, aligner))
        effort = joined(offline.stream(estimator(model), chunks), MUSCLES)
        return effort, chunks, replay.counts, aligner.counts


def test_two_replays_give_the_same_bit_for_bit(recording, light):
    first, second = replayed(recording, light)[0], replayed(recording, light)[0]
    assert len(first) > 3000
    for name in ("stamps_ns", "index", "effort", "flags"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_a_replay_gives_the_live_runs_grid_and_effort(recording, light):
    effort, chunks, _, _ = replayed(recording, light)
    live_grid, again = Fingerprints(1024), Fingerprints(1024)
    for chunk in chunks:
        again.add(chunk)
    with BagReader(recording) as bag:
        finder = TopicFinder(bag)
        for message in bag.messages(["/kpm/aligned"]):
            live_grid.add(aligned_chunk(bag.decode(message), published_streams()))
        live = read_effort(bag, finder, MUSCLES)
    # The live run looked every 2 ms, and handed on 10 ms at most.
    end_ns = live.stamps_ns[-1]
    assert all(after_ns > end_ns for after_ns in again.compare(live_grid).other_inputs)
    assert effort.stamps_ns[: len(live)].tolist() == live.stamps_ns.tolist()
    np.testing.assert_allclose(effort.effort[: len(live)], live.effort, rtol=0, atol=1e-5)
    assert (effort.flags[: len(live)] == live.flags).all()
    assert ((live.flags & Flag.INVALID) == 0).mean() > 0.8


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compression", [None, CompressionMode.FILE, CompressionMode.MESSAGE])
def test_the_form_of_the_bag_makes_no_difference(
    recording, deliveries, light, tmp_path, storage, compression
):
    path = bags.write(tmp_path / "bag", bags.entries(deliveries), storage, compression)
    expected, found = replayed(recording, light)[0], replayed(path, light)[0]
    count = min(len(expected), len(found))
    assert count > 3000
    assert found.effort[:count].tobytes() == expected.effort[:count].tobytes()


def test_a_bag_split_into_files_is_replayed_whole(recording, deliveries, light, tmp_path):
    folder = tmp_path / "split"
    folder.mkdir()
    messages = bags.entries(deliveries)
    parts = {"split_0.mcap": messages[:150], "split_1.mcap": messages[150:]}
    for name, part in parts.items():
        bags.write(tmp_path / name, part)
        (tmp_path / name / f"{name}.mcap").rename(folder / name)
    expected, found = replayed(recording, light)[0], replayed(folder, light)[0]
    count = min(len(expected), len(found))
    assert found.effort[:count].tobytes() == expected.effort[:count].tobytes()


def test_a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes(
    recording, deliveries, light, tmp_path
):
    messages = bags.entries(deliveries)
    writer = BagWriter(tmp_path / "bag", {t: BagTopic(kind) for t, _, _, kind in messages})
    for topic, received_ns, message, kind in messages:
        writer.write(topic, received_ns, bytes(bags.known_types().serialize_cdr(message, kind)))
    writer.flush()
    with BagReader(tmp_path / "bag") as bag:
        assert bag.span_ns == (messages[0][1], messages[-1][1])
    expected, found = replayed(recording, light)[0], replayed(tmp_path / "bag", light)[0]
    count = min(len(expected), len(found))
    assert count > 3000
    assert found.effort[:count].tobytes() == expected.effort[:count].tobytes()


@pytest.mark.parametrize(("delay_ms", "fewest", "most"), [(40, 0, 0), (55, 8, 16), (150, 20, 40)])
def test_when_a_message_was_received_decides_whether_it_came_in_time(
    deliveries, light, tmp_path, delay_ms, fewest, most
):
    """A frame 1/60 s after the one before it is waited for by the samples between for 60 ms."""
    on_time_ns, frame = next(
        d for d in deliveries if getattr(d.sample, "view", "") == "top" and d.deliver_ns > T0 + S
    )
    messages = bags.entries(deliveries)
    moved = [
        (topic, frame.stamp_ns + delay_ms * MS if received_ns == on_time_ns else received_ns, *rest)
        for topic, received_ns, *rest in messages
    ]
    chunks, late_chunks = (
        replayed(bags.write(tmp_path / name, part), light)[1]
        for name, part in (("on_time", messages), ("late", moved))
    )
    pose, other = (np.concatenate([c.values for c in part]) for part in (chunks, late_chunks))
    index = chunks[0].grid_index + np.flatnonzero((pose != other).any(axis=1))
    assert fewest <= len(index) <= most
    assert all(abs(i / 1024 * S - frame.stamp_ns) < 20 * MS for i in index)


def without_the_middle(deliveries, start_ns, gap_ns):
    """Leave a gap after an instant: what comes later is moved, stamps and all."""
    before = [d for d in deliveries if d.deliver_ns < start_ns]
    after = []
    for received_ns, sample in deliveries[len(before) :]:
        moved = replace(sample, stamp_ns=sample.stamp_ns + gap_ns)
        after.append(bags.Delivery(received_ns + gap_ns, moved))
    return before + after


def test_a_silence_is_filled_with_samples_that_say_so(deliveries, light, tmp_path):
    gapped = without_the_middle(deliveries, T0 + S, 2 * S)
    effort, _, counts, _ = replayed(bags.write(tmp_path / "bag", bags.entries(gapped)), light)
    assert (np.diff(effort.stamps_ns) == 500_000).all()
    silent = (effort.stamps_ns > T0 + 1600 * MS) & (effort.stamps_ns < T0 + 3 * S)
    assert silent.any()
    assert (effort.flags[silent] & Flag.INVALID).all()
    assert not effort.effort[silent].any()
    assert counts.silences == 0


def test_a_very_long_silence_is_skipped(deliveries, light, tmp_path):
    gapped = without_the_middle(deliveries, T0 + S, 365 * 24 * 3600 * S)
    effort, _, counts, _ = replayed(bags.write(tmp_path / "bag", bags.entries(gapped)), light)
    assert counts.silences == 1
    assert len(effort) < 2000 * 15
    assert effort.stamps_ns[-1] - effort.stamps_ns[0] > 365 * 24 * 3600 * S
    assert not effort.flags[-200:].any()


def test_what_cannot_be_a_sample_is_counted_and_left_out(deliveries, light, tmp_path):
    messages = bags.entries(deliveries)
    topic, received_ns, message, kind = next(m for m in messages if "KeyEvent" in m[3])
    bad = bags.make(kind, **{**vars(message), "kind": 99})
    path = bags.write(tmp_path / "bag", [*messages, (topic, received_ns, bad, kind)])
    effort, _, counts, _ = replayed(path, light)
    assert counts.refused == 1
    assert len(effort) > 3000


def test_the_recorded_grid_gives_the_recorded_effort(recording, light):
    with BagReader(recording) as bag:
        replay = offline.Replay(bag, weight_files.read_card(light))
        grid = replay.read_aligned("/kpm/aligned")
        effort = joined(offline.stream(estimator(light), grid), MUSCLES)
        live = read_effort(bag, TopicFinder(bag), MUSCLES)
    assert effort.stamps_ns.tolist() == live.stamps_ns.tolist()
    np.testing.assert_array_equal(effort.effort, live.effort)
    np.testing.assert_array_equal(effort.flags, live.flags)


def test_a_recorded_grid_of_another_shape_is_refused(recording, tmp_path):
    model, _ = bags.small_model(tmp_path, streams=published_streams(("top", "right", "left")))
    with BagReader(recording) as bag:
        replay = offline.Replay(bag, weight_files.read_card(model))
        with pytest.raises(BagError, match=r"aligned.*'keys' \(88\), but the model takes.*'left'"):
            next(replay.read_aligned("/kpm/aligned"))


def test_a_bag_whose_topics_are_empty_is_refused(deliveries, light, tmp_path):
    topics = {topic: BagTopic(kind) for topic, _, _, kind in bags.entries(deliveries)}
    BagWriter(tmp_path / "bag", topics).close()
    with pytest.raises(BagError, match="holds no message of the model's inputs"):
        replayed(tmp_path / "bag", light)


def newest_of(deliveries, tmp_path, later_ns):
    """What a replay makes of the newest points, recorded by somebody who got all so much later."""
    hand, piano = published_streams().landmarks, published_streams().keys
    streams = Streams((*(replace(view, timing=NEWEST) for view in hand), piano))
    card = published_card(streams=streams)
    messages = [
        (topic, received_ns + int(more_ns), *rest)
        for (topic, received_ns, *rest), more_ns in zip(
            bags.entries(deliveries), later_ns, strict=True
        )
    ]
    path = bags.write(tmp_path / "bag", sorted(messages, key=lambda one: one[1]))
    with BagReader(path) as bag:
        aligner = Aligner(AlignerConfig(streams=streams, rate_hz=RATE_HZ))
        inputs = TopicFinder(bag).inputs(streams)
        return list(offline.Replay(bag, card).align(inputs, aligner))


def test_the_newest_points_are_the_same_whenever_a_recorder_got_them(deliveries, tmp_path):
    """Frames are known from when their tracker was done, and not from when they came."""
    grids = []
    random = np.random.default_rng(1)
    for most_ns in (0, 4 * MS):
        grids.append(Fingerprints(RATE_HZ))
        later_ns = random.uniform(0, most_ns, len(deliveries))
        for chunk in newest_of(deliveries, tmp_path / str(most_ns), later_ns):
            grids[-1].add(chunk)
    compared = grids[0].compare(grids[1])
    assert compared.same > 1800
    assert compared.share == 1
