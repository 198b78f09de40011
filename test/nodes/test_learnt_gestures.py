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

"""The gesture node with a trained model, fed with EMG over the middleware."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from kpm_ros.msg import ChannelSamples, Gesture
from std_srvs.srv import SetBool

from kpm_ros import client
from kpm_ros.core.flags import Flag
from kpm_ros.core.resources import find_gesture_model
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.learn.gestures.executions import Execution, ExecutionSet, Recorded
from kpm_ros.learn.gestures.training import TrainingSettings, train
from kpm_ros.nodes import gesture_node, outgoing, qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.gesture_node import GestureNode
from kpm_ros.nodes.polling import PolledSubscription
from support.effort_senders import rigged
from support.gestures import CHANNELS, PERIOD_NS, START_NS, emg, executions
from support.waiting import wait_for

CHUNK = 10


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("gestures") / "model.safetensors"
    train(executions()).save(path)
    return path


class Armband:
    """An amplifier and a node that recognises, by one clock of the test's."""

    def __init__(self, node, made, monkeypatch):
        self.made, self.sent = made, 0
        clock = SimpleNamespace(monotonic_ns=lambda: self.now_ns)
        monkeypatch.setattr(gesture_node, "time", clock)
        made.now_ns = lambda: self.now_ns
        self.gestures = PolledSubscription(node, Gesture, "gesture", qos.of("gesture"))
        self.output = node.create_publisher(ChannelSamples, "emg/samples", qos.of("emg/samples"))
        wait_for(self.output.get_subscription_count, "the node")
        wait_for(lambda: self.gestures.publishers, "its gestures")
        made._on_enable(SetBool.Request(data=True), SetBool.Response())
        self.messages = 0

    @property
    def now_ns(self):
        return START_NS + self.sent * PERIOD_NS

    def send(self, samples, channels=CHANNELS, rate_hz=200.0):
        """Send samples in chunks; each is taken before the next; give the last gesture told of."""
        for start in range(0, len(samples), CHUNK):
            part = samples[start : start + CHUNK]
            message = ChannelSamples(stream="emg", rate_hz=rate_hz, unit="1", channels=channels)
            message.header.stamp = outgoing.time_message(self.now_ns)
            message.samples = part.astype("float32").ravel().tolist()
            self.sent += len(part)
            self.output.publish(message)
            before = self.made._way._signals["emg"].messages
            wait_for(
                lambda before=before: (
                    self.made.step() or self.made._way._signals["emg"].messages > before
                ),
                "the chunk",
            )
        return self.made._last


@pytest.fixture
def armband(node, make_node, model_file, monkeypatch):
    return Armband(node, make_node(GestureNode, model=str(model_file)), monkeypatch)


def test_a_gesture_is_told_with_its_strength_and_doubt_ends_it(armband):
    assert armband.send(emg("none", 100, 1)).name == "none"
    assert armband.send(emg("fist", 100, 2)).name == "fist"
    told = [message for message, _ in wait_for(armband.gestures.take, "a gesture")]
    assert told[-1].valid
    assert any(each.name == "fist" and 0 < each.strength <= 1 for each in told)
    spoilt = emg("fist", 10, 3)
    spoilt[4, 1] = float("nan")
    spoilt[5:] = float("nan")
    found = armband.send(spoilt)
    assert (found.name, found.valid, found.reason) == ("none", False, "non-finite emg")
    assert armband.send(emg("fist", 100, 4)).name == "fist"
    armband.sent += 100
    armband.made.step()
    assert armband.made._last.reason == "no emg for 500 ms"
    assert armband.made._last.name == "none"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate_hz": 1000.0}, "trained at 200 Hz, but the samples come at 1000 Hz"),
        ({"channels": ("a", "b", "x")}, "takes the channel 'c', which is not among a, b, x"),
    ],
)
def test_an_amplifier_that_the_model_was_not_trained_with_is_an_error_in_words(
    armband, changes, said
):
    found = armband.send(emg("fist", 60, 1), **changes)
    assert (found.name, found.valid) == ("none", False)
    report = armband.made.report()
    assert report.level == Level.ERROR
    assert said in report.message


MUSCLES = ("ADM", "PB", "1DI")
LEVELS = {"none": (0.0, 0.0, 0.0), "thumb_press": (0.0, 0.9, 0.0), "pinky_out": (0.9, 0.0, 0.0)}


def effort_model():
    """A model of effort at 2 kHz: of rest and of two muscles, each made four times."""
    random = np.random.default_rng(1)
    found = []
    for number, (name, level) in enumerate(list(LEVELS.items()) * 4):
        stamps_ns = START_NS + (number * 1001 + np.arange(1000)) * 500_000
        values = level + random.normal(0, 0.01, (1000, len(MUSCLES)))
        signals = {"effort": Recorded(stamps_ns, values)}
        found.append(Execution(name, number // 3 + 1, signals, "P1", "1"))
    recorded = ExecutionSet({"effort": MUSCLES}, {"effort": 2000.0}, tuple(found))
    return train(recorded, TrainingSettings({"effort": ("mean",)}))


def test_effort_makes_gestures_by_muscles_names_unless_it_is_flagged(
    make_node, monkeypatch, tmp_path
):
    effort_model().save(tmp_path / "effort.safetensors")
    made = make_node(GestureNode, model=str(tmp_path / "effort.safetensors"))
    told = [START_NS]
    for module in (client, gesture_node):
        steady = SimpleNamespace(monotonic_ns=lambda: told[0])
        monkeypatch.setattr(module, "time", steady)
    made.now_ns = lambda: told[0]
    effort, _, (sender, _) = rigged(made, MUSCLES[::-1], made._way._signals["effort"])
    made._on_enable(SetBool.Request(data=True), SetBool.Response())

    def press(strong, flags=0, steps=120):
        for _ in range(steps):
            told[0] += 4_000_000
            effort.waiting += sender.messages(told[0], strong, flags)
            made.step()
        return made._last

    assert press("").name == "none"
    assert press("PB").name == "thumb_press"
    assert press("ADM").name == "pinky_out"
    flagged = press("ADM", int(Flag.INVALID), steps=1)
    assert (flagged.name, flagged.valid) == ("none", False)
    sender.announce(("PB", "ADM", "biceps"), "a model", 3)
    made._way._signals["effort"]._reader._watch.lose()
    assert press("PB").name == "none"
    assert "takes the channel '1DI'" in made.report().message


def test_the_shipped_model_listens_to_a_camera_and_says_that_it_is_simulated(make_node):
    made = make_node(GestureNode, model=str(find_gesture_model("default")))
    assert list(made._way._signals) == ["landmarks"]
    assert made.report().values["model_simulated"]


def test_a_file_that_is_no_gesture_model_is_refused_at_the_start(make_node, tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"gesture: model: .*other.safetensors"):
        make_node(GestureNode, model=str(tmp_path / "other.safetensors"))
