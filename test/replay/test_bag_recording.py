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

"""Bags become recordings of a data set: whatever streams they have, and effort out of their EMG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.registration import Registration
from kpm_ros.core.session_file import Session, SignalCheck, Step
from kpm_ros.learn.importing.emg_truth import EmgRules
from kpm_ros.learn.importing.measured import TakeRules, recording_of
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.pipeline_options import simulated_room
from kpm_ros.replay.bag import BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.bag_recording import read_measured, recording_of_bag
from kpm_ros.replay.definitions import known_types
from kpm_ros.replay.measured_emg import measured_emg
from kpm_ros.replay.topic_map import TopicMap
from kpm_ros.replay.topics import TopicFinder
from kpm_ros.sense.emg.envelope import Envelope
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import Mvc
from kpm_ros.sense.samples import ChannelChunk
from support import bags

RATE_HZ, CHUNK = 1000.0, 20
SAMPLES = "kpm_ros/msg/ChannelSamples"
MUSCLES = ("FDI", "ADM")
CONFIG = EnvelopeConfig()
RULES = TakeRules(name="P1_scales_1", person="P1", task="scales")


def emg_chunks(seconds: float = 4.0, seed: int = 0, level: float = 40.0) -> list[ChannelChunk]:
    """Noise that swells and fades, as a muscle's."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    swell = 0.2 + np.sin(np.linspace(0, 6 * seconds, count)) ** 2
    values = (random.normal(size=(count, 2)) * swell[:, None] * level).astype(np.float32)
    step_ns = round(CHUNK * bags.S / RATE_HZ)
    return [
        ChannelChunk(
            "emg",
            bags.T0 + k * step_ns,
            k * CHUNK,
            RATE_HZ,
            MUSCLES,
            "uV",
            values[k * CHUNK : (k + 1) * CHUNK],
        )
        for k in range(count // CHUNK)
    ]


def message(chunk: ChannelChunk, topic: str = "/kpm/emg/samples", late_ns: int = 0) -> bags.Entry:
    sent = bags.make(
        SAMPLES,
        header=bags.header(chunk.stamp_ns),
        stream=chunk.name,
        first_index=chunk.first_index,
        rate_hz=chunk.rate_hz,
        channels=list(chunk.channels),
        unit=chunk.unit,
        samples=chunk.samples.reshape(-1),
    )
    return topic, chunk.stamp_ns + 25 * bags.MS + late_ns, sent, SAMPLES


@pytest.fixture(scope="module")
def devices() -> list[bags.Entry]:
    """Two seconds of two cameras and a piano."""
    return bags.entries(bags.played(2.0))


def written(folder: Path, devices: Sequence[bags.Entry], chunks: Sequence[ChannelChunk]) -> Path:
    return bags.write(folder, [*devices, *map(message, chunks)])


def known(recording: Recording, muscle: int = 0) -> np.ndarray:
    return np.isfinite(np.asarray(recording.truth.values)[:, muscle])


def test_pictures_of_registered_cameras_tell_where_those_stood(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    measured = read_measured(written(tmp_path / "bag", devices, emg_chunks()))
    measured.registration = Registration.read(simulated_room())
    recording = recording_of(measured, RULES).recording
    for view, camera in measured.registration.places.items():
        assert recording.streams[view].camera == camera


def test_a_bag_gives_its_streams_and_the_envelope_of_the_live_pipeline(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    chunks = emg_chunks()
    found = recording_of_bag(written(tmp_path / "bag", devices, chunks), RULES)
    recording = found.recording
    assert set(recording.streams.names) == {"top", "right", "keys"}
    assert (recording.truth.muscles, recording.truth.unit) == (MUSCLES, "uV")
    assert "low_hz 20" in recording.truth.measured
    live = Envelope(CONFIG)
    smooth = np.concatenate([live.push_chunk(chunk).samples for chunk in chunks])
    # The recording begins with the first sample of the envelope, which is stamped by its delay.
    assert found.start_ns == bags.T0 - round(live.delay_s * bags.S)
    truth = np.asarray(recording.truth.values)
    assert not known(recording)[:49].any()
    assert known(recording)[50:].all()
    np.testing.assert_allclose(
        truth[50:], smooth[500 :: round(RATE_HZ / 100)][: len(truth) - 50], rtol=1e-4
    )
    top = recording.series_of("top")
    assert top is not None
    frames = [entry[2] for entry in devices if entry[0] == bags.USUAL["top"]]
    assert len(top) == len(frames)
    seen = np.flatnonzero(top.seen)
    np.testing.assert_array_equal(
        top.values[seen[5]], frames[seen[5]].points.reshape(-1, 3)[:, :2].reshape(-1)
    )
    assert any("the view" in sentence and "keys" in sentence for sentence in found.said)


def test_an_evaluation_of_the_bag_has_the_same_truth_at_the_rate_of_the_amplifier(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    folder = written(tmp_path / "bag", devices, emg_chunks())
    truth = np.asarray(recording_of_bag(folder, RULES).recording.truth.values)
    with BagReader(folder) as bag:
        beside = measured_emg(bag, TopicFinder(bag), RULES.emg)
    finer = np.asarray(beside.truth.values)[:: round(RATE_HZ / 100)]
    assert beside.truth.rate_hz == RATE_HZ
    assert "no maximum contraction is known" in beside.said[-1]
    # Without a maximum, each muscle stands there in a size of its own.
    sizes = np.nanmedian(truth / finer, axis=0)
    np.testing.assert_allclose(finer * sizes, truth, rtol=1e-3, atol=1e-3)


def test_what_is_lost_dead_or_clipped_is_masked_and_not_bridged(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    chunks = emg_chunks(8.0)
    gap = [chunk for k, chunk in enumerate(chunks) if not 100 <= k < 150]
    flat = np.array(chunks[0].samples) * 0
    dead = [
        replace(chunk, samples=np.stack([chunk.samples[:, 0], flat[:, 1]], axis=1))
        if chunk.first_index >= 5000
        else chunk
        for chunk in gap
    ]
    found = recording_of_bag(written(tmp_path / "bag", devices, dead), RULES)
    of_first, of_second = (known(found.recording, muscle) for muscle in (0, 1))
    assert of_first[60:195].all()
    assert not of_first[205:345].any()
    assert of_first[360:780].all()
    assert not of_second[620:790].any()
    assert any(said.startswith("ADM was dead, clipped or loose") for said in found.said)


def test_a_clock_that_jumps_by_20_s_loses_what_came_by_the_other_clock(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    def jumped(chunk: ChannelChunk) -> bags.Entry:
        after = chunk.first_index >= 3000
        stamp_ns = chunk.stamp_ns + 20 * bags.S * after
        return message(replace(chunk, stamp_ns=stamp_ns), late_ns=-20 * bags.S * after)

    folder = bags.write(tmp_path / "bag", [*devices, *map(jumped, emg_chunks())])
    found = recording_of_bag(folder, RULES)
    assert any("the clock of emg jumped by 20.0 s after 3.0 s" in said for said in found.said)
    assert found.recording.duration_s == pytest.approx(3.0, abs=0.02)


def test_a_truncated_bag_is_used_up_to_where_it_ends(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    messages = sorted([*devices, *map(message, emg_chunks())], key=lambda one: one[1])
    folder = tmp_path / "bag"
    with BagWriter(folder, {topic: BagTopic(kind) for topic, _, _, kind in messages}) as bag:
        for count, (topic, received_ns, sent, kind) in enumerate(messages):
            bag.write(topic, received_ns, known_types().serialize_cdr(sent, kind))
            if count % 100 == 0:
                bag.flush()
    (folder / "metadata.yaml").unlink()
    file = next(folder.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    found = recording_of_bag(folder, RULES)
    assert 0.5 < found.recording.duration_s < 3.5


def test_without_emg_or_anything_else_a_sentence_says_so(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    with pytest.raises(ValueError, match="it holds no EMG, so nothing is known of its effort"):
        recording_of_bag(bags.write(tmp_path / "no_emg", devices), RULES)
    only = bags.write(tmp_path / "emg", list(map(message, emg_chunks())))
    with pytest.raises(ValueError, match="nothing but EMG is in it"):
        recording_of_bag(only, RULES)
    with pytest.raises(ValueError, match="no bag at"):
        recording_of_bag(tmp_path / "nothing", RULES)


def test_rectified_emg_is_smoothed_only_and_a_weak_maximum_is_said(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    chunks = [replace(one, samples=np.abs(one.samples)) for one in emg_chunks()]
    mvc = Mvc("P1", CONFIG.as_words(), "uV", {"FDI": 10.0, "ADM": 100.0})
    rules = replace(RULES, emg=EmgRules(mvc=mvc, resting={"ADM": 40.0}))
    found = recording_of_bag(written(tmp_path / "bag", devices, chunks), rules)
    assert found.recording.truth.unit == "fraction of MVC"
    for said in (
        "the EMG was rectified already",
        "of its maximum contraction, which was none",
        "ADM is at 40% of its maximum at rest",
    ):
        assert any(said in sentence for sentence in found.said), said
    lacking = replace(mvc, channels={"FDI": 100.0})
    rules = replace(RULES, emg=EmgRules(mvc=lacking))
    found = recording_of_bag(tmp_path / "bag", rules)
    assert not known(found.recording, 1).any()
    assert any("ADM: no maximum contraction of P1" in said for said in found.said)


def test_bags_of_others_are_read_by_a_table_of_their_topics(tmp_path: Path) -> None:
    kinds = {"emg": "std_msgs/msg/Float32MultiArray", "glove": "sensor_msgs/msg/JointState"}
    layout = bags.make("std_msgs/msg/MultiArrayLayout", dim=[], data_offset=0)
    messages: list[bags.Entry] = []
    for chunk in emg_chunks():
        data = chunk.samples.reshape(-1)
        at_ns = chunk.stamp_ns
        sent = bags.make(kinds["emg"], layout=layout, data=data)
        messages.append(("/amplifier", at_ns, sent, kinds["emg"]))
        angles = np.array([0.1, 0.2 + at_ns % bags.S / bags.S])
        nothing = np.zeros(0)
        state: Any = bags.make(
            kinds["glove"],
            header=bags.header(at_ns),
            name=["mcp", "pip"],
            position=angles,
            velocity=nothing,
            effort=nothing,
        )
        messages.append(("/glove", at_ns + bags.MS, state, kinds["glove"]))
    folder = bags.write(tmp_path / "theirs", messages)
    table = tmp_path / "topics.yaml"
    table.write_text(
        "emg: raw\nchannels:\n"
        "  raw: {topic: /amplifier, samples: data, channels: [FDI, ADM], unit: uV, rate_hz: 1000,"
        " stamp: ''}\n"
        "  glove: {topic: /glove, samples: position, channels: [a, b], unit: rad, rate_hz: 50}\n"
        "views: {top: {topic: /hand}}\n"
    )
    found = recording_of_bag(folder, RULES, TopicMap.read(table))
    assert found.recording.streams.names == ("glove",)
    glove = found.recording.series[0]
    assert (len(glove), glove.stream.rate_hz) == (200, 50)
    assert known(found.recording).sum() > 300
    assert any("has no topic /hand" in said for said in found.said)
    table.write_text("emg: other\n")
    with pytest.raises(ValueError, match="emg is 'other', but must name one of the channels"):
        TopicMap.read(table)


def session(folder: Path, devices: list[bags.Entry], person: str, hand: str = "right") -> Path:
    """Write a session: a maximum of each muscle, and two tasks, one with an electrode off."""
    steps = (
        Step("mvc", "mvc", 3.0, "press", muscle="FDI"),
        Step("mvc", "mvc", 3.0, "spread", muscle="ADM"),
        Step("task", "scales", 4.0, "play"),
        Step("task", "scales", 4.0, "again", repetition=2),
    )
    asked = Session(person, "piano", steps, hand=hand, channels=MUSCLES, emg_unit="uV")
    off = (SignalCheck("emg/samples", "dead", "ADM", "ADM is dead: see to its electrode"),)
    for number in range(1, 5):
        take = replace(asked.new_take(number), state="done", checks=off if number == 4 else ())
        if number < 3:
            take = replace(take, strongest={"FDI": 80.0, "ADM": 90.0})
        asked = asked.with_take(take)
    asked = replace(asked, envelope=CONFIG.as_words())
    asked.write(folder)
    for take in asked.takes[2:]:
        written(folder / take.folder, devices, emg_chunks(seed=take.step))
    return folder


def test_sessions_become_a_data_set_by_one_command(
    tmp_path: Path, devices: list[bags.Entry], capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [
        session(tmp_path / "monday", devices, "P01"),
        session(tmp_path / "tuesday", devices, "P01", hand="left"),
    ]
    out = tmp_path / "set"
    main(["dataset", *map(str, folders), "--out", str(out), "--workers", "1"])
    dataset = open_dataset(out)
    assert sorted(dataset.names) == [
        "P01_monday_scales_1",
        "P01_monday_scales_2",
        "P01_tuesday_scales_1",
        "P01_tuesday_scales_2",
    ]
    first, second = (dataset.recording(f"P01_monday_scales_{k}") for k in (1, 2))
    assert (first.session, first.truth.unit) == ("monday", "fraction of MVC")
    assert known(first, 1).any()
    assert not known(second, 1).any()
    said = capsys.readouterr().out
    assert "ADM is not used: ADM is dead" in said
    assert "are these two people under one code?" in said
    by_session = open_dataset(out, "splits_by_session.json").splits
    assert all("tuesday" in name for name in by_session["test"])
    assert "leak" not in said


def test_maxima_are_measured_anew_for_another_envelope(
    tmp_path: Path, devices: list[bags.Entry]
) -> None:
    folder = session(tmp_path / "monday", devices, "P01")
    told = Session.read(folder)
    for take in told.takes[:2]:
        written(folder / take.folder, [], emg_chunks(seed=9, level=100.0))
    out = tmp_path / "set"
    words = ["dataset", str(folder), "--out", str(out), "--workers", "1"]
    main([*words, "--envelope", "smooth_hz=3"])
    recording = open_dataset(out).recording("P01_monday_scales_1")
    effort = np.asarray(recording.truth.values)
    assert "smooth_hz 3" in recording.truth.measured
    slow = replace(CONFIG, smooth_hz=3.0)
    loud, played = (
        np.concatenate([each.push_chunk(one).samples for one in chunks])[:, 0]
        for each, chunks in (
            (Envelope(slow), emg_chunks(seed=9, level=100.0)),
            (Envelope(slow), emg_chunks(seed=3)),
        )
    )
    maximum = np.convolve(loud[500:], np.full(500, 1 / 500), "valid").max()
    assert np.nanmax(effort[:, 0]) == pytest.approx(played[500:].max() / maximum, rel=0.01)
