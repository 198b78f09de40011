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

"""The real graph on devices: video files as cameras, a .mid file as keys, an LSL stream as EMG."""

from __future__ import annotations

import threading

import mido
import numpy as np
import pytest
from kpm_ros.msg import ChannelSamples, KeyEvent, Landmarks

from kpm_ros.client import EffortReader
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription
from support.amplifier import Amplifier
from support.effort import gapless
from support.graph import RunningGraph
from support.waiting import QUEUED, wait_for

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: no video can be made")
pytest.importorskip("mediapipe", reason="MediaPipe is not installed: no hand can be looked for")

pytestmark = pytest.mark.graph
FPS, SECONDS = 10, 60
RATE_HZ = 500.0
NOTE_ON = 1
VIEWS = ("top", "right")


@pytest.fixture
def video(tmp_path):
    """A lit room with something that moves, and no hand."""
    path = tmp_path / "room.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (160, 120))
    assert writer.isOpened()
    for number in range(FPS * SECONDS):
        picture = np.full((120, 160, 3), 90, np.uint8)
        cv2.circle(picture, (20 + number % 120, 60), 12, (200, 180, 160), -1)
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture
def score(tmp_path):
    """Two notes a second, for as long as the video."""
    path = tmp_path / "score.mid"
    track = mido.MidiTrack()
    for number in range(2 * SECONDS):
        note = 60 + number % 12
        track.append(mido.Message("note_on", note=note, velocity=70, time=0))
        track.append(mido.Message("note_on", note=note, velocity=0, time=480))
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(path)
    return path


@pytest.fixture
def amplifier():
    """An LSL outlet that sends until the test is over."""
    over = threading.Event()

    def send(device):
        begun_s, sent = device.now_s(), 0
        while not over.wait(0.01):
            due = int((device.now_s() - begun_s) * RATE_HZ)
            device.send([begun_s + number / RATE_HZ for number in range(sent, due)])
            sent = due

    with Amplifier(RATE_HZ) as device:
        thread = threading.Thread(target=send, args=(device,))
        thread.start()
        yield device
        over.set()
        thread.join()


def listen(node, namespace, message_type, topic):
    return PolledSubscription(node, message_type, f"/{namespace}/{topic}", qos.of(topic))


def test_cameras_keys_and_an_amplifier_give_effort_without_a_gap(
    node, domain, video, score, amplifier
):
    options = [
        "source:=devices",
        f"cameras:={video},{video}",
        f"midi:={score}",
        f"emg_device:=lsl:{amplifier.name}",
        "exo:=false",
        "gesture:=false",
    ]
    namespace = "plugged_in"
    with RunningGraph(namespace, options) as graph:
        emg = listen(node, namespace, ChannelSamples, "emg/samples")
        keys = listen(node, namespace, KeyEvent, "keys/events")
        hands = [listen(node, namespace, Landmarks, f"camera/{v}/landmarks") for v in VIEWS]
        channels, notes, seen = set(), [], [0, 0]

        def all_have_spoken():
            channels.update(tuple(message.channels) for message, _ in emg.take())
            notes.extend(message.note for message, _ in keys.take() if message.kind == NOTE_ON)
            for number, hand in enumerate(hands):
                seen[number] += len(hand.take())
            return channels and len(notes) > 3 and all(seen)

        wait_for(all_have_spoken, "EMG, notes and pictures of both cameras", 60)
        reader = EffortReader(node, f"/{namespace}/effort", depth=QUEUED)
        batches = gapless(reader, 4000)
        assert graph.stop() == 0, graph.output
    stamps = np.concatenate([batch.stamps_ns for batch in batches])
    assert (np.diff(stamps) == 500_000).all()
    assert (stamps % 500_000 == 0).all()
    assert channels == {("ADM", "1DI")}
    assert (np.diff(notes) % 12 == 1).all(), "every note comes once, and in order"
