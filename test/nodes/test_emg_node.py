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

"""The EMG node over real DDS: LSL streams, BrainFlow's board, recordings, maxima."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kpm_ros.msg import ChannelSamples
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.emg_node import EmgNode
from kpm_ros.nodes.polling import PolledSubscription
from support.amplifier import Amplifier, lsl
from support.waiting import wait_for

RATE_HZ = 1000.0


class Emg:
    """A running EMG node, and what it has published."""

    def __init__(self, tester: Any, node: EmgNode) -> None:
        self.node = node
        self.raw: list[ChannelSamples] = []
        self.envelope: list[ChannelSamples] = []
        self._inboxes = []
        for name, kept in (("samples", self.raw), ("envelope", self.envelope)):
            topic = f"{node.get_namespace()}/emg/{name}"
            inbox = PolledSubscription(tester, ChannelSamples, topic, qos.of("emg/samples"))
            self._inboxes.append((inbox, kept))
            wait_for(lambda inbox=inbox: inbox.publishers, "the node's topic")
            wait_for(
                lambda topic=topic: node.count_subscribers(topic), "the node to see its listener"
            )

    def receive(self) -> int:
        for inbox, kept in self._inboxes:
            kept += [message for message, _ in inbox.take()]
        return sum(len(m.samples) // len(m.channels) for m in self.envelope)

    def until(self, count: int) -> None:
        wait_for(lambda: self.receive() >= count, f"{count} samples")


@pytest.fixture
def start(make_node: Callable[..., Any], node: Any, tmp_path: Path) -> Callable[..., Emg]:
    """Start an EMG node with these parameters."""

    def start_one(**parameters: Any) -> Emg:
        parameters.setdefault("mvc_folder", str(tmp_path / "mvc"))
        emg = make_node(EmgNode, **parameters)
        listener = Emg(node, emg)
        emg.start()
        return listener

    return start_one


@pytest.fixture
def amplifier() -> Iterator[Amplifier]:
    lsl()
    with Amplifier(RATE_HZ, ("ADM", "1DI")) as made:
        yield made


def send(amplifier: Amplifier, seconds: float, efforts: tuple[float, float]) -> int:
    """Send noise as loud as the efforts, up to the present; returns how many samples."""
    count = round(seconds * RATE_HZ)
    noise = np.random.default_rng(6).standard_normal((count, 2)) * np.array(efforts) * 100
    start_s = amplifier.now_s() - seconds
    for number, row in enumerate(noise):
        amplifier.send_row([float(value) for value in row], start_s + number / RATE_HZ)
    return count


def call(tester: Any, context: Any, emg: Emg, data: bool) -> SetBool.Response:
    client = tester.create_client(SetBool, f"{emg.node.get_fully_qualified_name()}/record_mvc")
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(tester)
    executor.add_node(emg.node)
    wait_for(client.service_is_ready, "the service")
    future = client.call_async(SetBool.Request(data=data))
    executor.spin_until_future_complete(future, timeout_sec=20)
    executor.remove_node(tester)
    executor.remove_node(emg.node)
    tester.destroy_client(client)
    assert future.done(), "the service did not answer"
    return future.result()


def test_a_stream_is_published_raw_and_as_envelope(
    start: Callable[..., Emg], amplifier: Amplifier
) -> None:
    emg = start(stream_name=amplifier.name)
    wait_for(lambda: amplifier.has_listener, "the node to find the stream")
    sent = send(amplifier, 1.5, (1.0, 1.0))
    emg.until(sent)
    for messages in (emg.raw, emg.envelope):
        assert messages[0].channels == ["ADM", "1DI"]
        assert messages[0].unit == "uV"
        following = [m.first_index + len(m.samples) // 2 for m in messages]
        assert [m.first_index for m in messages] == [0, *following[:-1]]
        assert following[-1] == sent
    report = emg.node.report()
    assert report.level == Level.READY, report.message
    assert report.values["rate_hz"] == pytest.approx(RATE_HZ, rel=0.02)
    assert report.values["envelope_delay_s"] > 0.02
    assert report.values["lost"] == 0


def test_the_strongest_contraction_is_recorded_through_the_service(
    start: Callable[..., Emg], amplifier: Amplifier, node: Any, context: Any, tmp_path: Path
) -> None:
    emg = start(stream_name=amplifier.name, person="clara")
    wait_for(lambda: amplifier.has_listener, "the node to find the stream")
    refused = call(node, context, emg, False)
    assert not refused.success
    assert "no recording" in refused.message
    assert call(node, context, emg, True).success
    sent = send(amplifier, 2.0, (1.0, 2.0))
    emg.until(sent)
    done = call(node, context, emg, False)
    assert done.success, done.message
    assert (tmp_path / "mvc" / "clara.yaml").is_file()
    emg.until(sent + send(amplifier, 0.5, (1.0, 2.0)))
    assert emg.envelope[-1].unit == "fraction of MVC"
    assert emg.node.report().values["mvc"] == "that of clara"


def test_a_stream_that_vanishes_is_an_error_and_comes_back(
    start: Callable[..., Emg], amplifier: Amplifier
) -> None:
    emg = start(stream_name=amplifier.name)
    wait_for(lambda: amplifier.has_listener, "the node to find the stream")
    sent = send(amplifier, 0.5, (1.0, 1.0))
    emg.until(sent)
    amplifier.__exit__(None, None, None)
    wait_for(lambda: emg.node.report().level == Level.ERROR, "an error report")
    with Amplifier(RATE_HZ, ("ADM", "1DI"), name=amplifier.name) as again:
        wait_for(lambda: again.has_listener, "the node to find the stream again")
        emg.until(sent + send(again, 0.2, (1.0, 1.0)))
    assert emg.raw[-1].first_index > sent


def test_channels_that_are_ill_are_reported(
    start: Callable[..., Emg], amplifier: Amplifier
) -> None:
    emg = start(stream_name=amplifier.name)
    wait_for(lambda: amplifier.has_listener, "the node to find the stream")
    emg.until(send(amplifier, 1.5, (1.0, 0.0)))
    report = emg.node.report()
    assert report.level == Level.DEGRADED
    assert report.message == "1DI is dead"
    assert report.values["channel 1DI"] == "dead"
    assert report.values["channel ADM"] == "good"


def test_the_synthetic_board_is_published(start: Callable[..., Emg]) -> None:
    pytest.importorskip("brainflow", reason="brainflow is not installed")
    emg = start(source="brainflow", board_id=-1)
    emg.until(50)
    assert len(emg.raw[0].channels) == 16


def test_a_recording_is_published_and_its_filled_in_samples_are_noted(
    start: Callable[..., Emg], shared: Path
) -> None:
    path = shared / "data" / "emg" / "exg_1745109913.csv"
    emg = start(source="csv", file=str(path), mains_hz=60.0, channels="ch_1, ch_3")
    emg.until(300)
    assert emg.raw[0].channels == ["ch_1", "ch_3"]
    report = emg.node.report()
    assert report.level == Level.DEGRADED
    assert "repeat the one before" in report.message


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"source": "csv"}, "file is empty"),
        ({"source": "csv", "file": "/no/such.csv"}, "/no/such.csv cannot be read"),
        ({"person": "a/b"}, "person is 'a/b'"),
        ({"source": "lsl", "use_sim_time": True}, "use_sim_time is true"),
    ],
)
def test_parameters_that_cannot_work_are_refused(
    context: Any, parameters: dict[str, Any], said: str
) -> None:
    given = [Parameter(name, value=value) for name, value in parameters.items()]
    with pytest.raises(ConfigurationError, match=said):
        EmgNode(context=context, parameter_overrides=given)


def test_filters_that_do_not_fit_the_amplifier_end_the_node_with_a_sentence(
    start: Callable[..., Emg], amplifier: Amplifier
) -> None:
    emg = start(stream_name=amplifier.name, low_hz=460.0)
    wait_for(lambda: amplifier.has_listener, "the node to find the stream")
    amplifier.send(amplifier.now_s() + np.arange(10) / RATE_HZ)
    wait_for(lambda: emg.node.failed, "the node to give up")
    assert isinstance(emg.node.failure, ConfigurationError)
    assert "low_hz is 460" in str(emg.node.failure)
