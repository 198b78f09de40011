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

"""EMG from real LSL outlets on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.emg.emg_lsl import LslConfig, LslEmg, find_streams, plain_unit
from kpm_ros.sense.emg.emg_stream import EmgStream, EmgStreamConfig
from kpm_ros.sense.samples import ChannelChunk
from support.amplifier import Amplifier, lsl
from support.waiting import wait_for

lsl()


class Listener:
    """Reads one stream, and keeps all that came."""

    def __init__(self, config: LslConfig) -> None:
        self.stream = EmgStream(
            LslEmg(config), EmgStreamConfig(retry_first_s=0.01, retry_longest_s=0.5)
        )
        self.chunks: list[ChannelChunk] = []

    def poll(self) -> bool:
        self.chunks += self.stream.poll(time.time_ns())
        return self.stream.connected

    def count(self) -> int:
        self.poll()
        return sum(len(chunk.samples) for chunk in self.chunks)

    def until(self, count: int) -> None:
        wait_for(lambda: self.count() >= count, f"{count} samples")

    def numbers(self) -> np.ndarray:
        """First value, index, and time on the host's clock in seconds of every sample."""
        rows = []
        for chunk in self.chunks:
            k = np.arange(len(chunk.samples))
            stamps_s = chunk.stamp_ns / NS_PER_S + k / chunk.rate_hz
            rows.append(np.stack([chunk.samples[:, 0], chunk.first_index + k, stamps_s], axis=1))
        return np.concatenate(rows)


def listen(amplifier: Amplifier, **more: str) -> Listener:
    listener = Listener(LslConfig(name=amplifier.name, **more))
    wait_for(listener.poll, f"the stream, but {listener.stream.problem}")
    wait_for(lambda: amplifier.has_listener, "the outlet to see its listener")
    return listener


@pytest.fixture
def amplifier() -> Iterator[Amplifier]:
    with Amplifier() as made:
        yield made


def host_minus_lsl_s(amplifier: Amplifier) -> float:
    return time.time() - amplifier.now_s()


def test_samples_come_with_index_names_unit_and_their_own_time(amplifier: Amplifier) -> None:
    listener = listen(amplifier)
    start_s = amplifier.now_s() - 2
    amplifier.send(start_s + np.arange(2000) / 1000)
    listener.until(2000)
    numbers = listener.numbers()
    assert (numbers[:, 0] == np.arange(2000)).all()
    assert (numbers[:, 1] == np.arange(2000)).all()
    expected_s = start_s + host_minus_lsl_s(amplifier) + np.arange(2000) / 1000
    assert np.abs(numbers[:, 2] - expected_s).max() < 0.010
    chunk = listener.chunks[0]
    assert (chunk.channels, chunk.unit) == (("ADM", "1DI"), "uV")
    listener.stream.close()


def test_the_true_rate_comes_from_time_stamps_and_not_from_arrival(amplifier: Amplifier) -> None:
    listener = listen(amplifier)
    start_s = amplifier.now_s() - 8
    for part in np.array_split(np.arange(8000), 40):
        amplifier.send(start_s + part / 996.4)
        listener.until(int(part[-1]) + 1)
    assert listener.stream.clock is not None
    assert listener.stream.clock.rate_hz == pytest.approx(996.4, rel=1e-4)
    assert listener.stream.clock.lost == 0
    listener.stream.close()


def test_the_senders_counter_shows_what_was_lost() -> None:
    with Amplifier(counter=True) as amplifier:
        listener = listen(amplifier)
        start_s = amplifier.now_s() - 4
        amplifier.send(start_s + np.arange(1000) / 1000)
        listener.until(1000)
        amplifier.send(start_s + np.arange(1003, 2000) / 1000, lost_before=3)
        listener.until(1997)
        numbers = listener.numbers()
        assert (numbers[:, 0] == numbers[:, 1]).all()
        assert listener.chunks[0].channels == ("ADM", "1DI")
        listener.stream.close()


def test_a_stream_that_vanishes_is_missed_and_found_again(amplifier: Amplifier) -> None:
    listener = listen(amplifier)
    amplifier.send(amplifier.now_s() - 1 + np.arange(1000) / 1000)
    listener.until(1000)
    amplifier.__exit__(None, None, None)
    wait_for(lambda: not listener.poll(), "the loss to be noticed")
    with Amplifier(name=amplifier.name) as again:
        wait_for(listener.poll, "the stream to be found again")
        again.send(again.now_s() + np.arange(100) / 1000)
        listener.until(1100)
    index = listener.numbers()[:, 1]
    assert (np.diff(index) > 0).all()
    assert index[1000] > 1000, "the break shows in the index"
    assert listener.stream.breaks == 1
    listener.stream.close()


def test_a_stream_that_comes_back_with_another_rate_and_channels_is_taken_as_it_is(
    amplifier: Amplifier,
) -> None:
    listener = listen(amplifier)
    amplifier.send(amplifier.now_s() - 1 + np.arange(1000) / 1000)
    listener.until(1000)
    amplifier.__exit__(None, None, None)
    wait_for(lambda: not listener.poll(), "the loss to be noticed")
    with Amplifier(500.0, ("a", "b", "c"), name=amplifier.name) as again:
        wait_for(listener.poll, "the stream to be found again")
        again.send(again.now_s() + np.arange(100) / 500)
        listener.until(1100)
    last = listener.chunks[-1]
    assert last.channels == ("a", "b", "c")
    assert last.rate_hz == pytest.approx(500, rel=0.02)
    assert last.first_index > 1000
    listener.stream.close()


def test_a_stream_whose_samples_change_their_pace_is_followed(amplifier: Amplifier) -> None:
    listener = listen(amplifier)
    start_s = amplifier.now_s() - 20
    amplifier.send(start_s + np.arange(5000) / 1000)
    for part in np.array_split(np.arange(4000), 40):
        amplifier.send(start_s + 5 + part / 400)
        listener.until(5000 + int(part[-1]) + 1)
    assert listener.stream.clock is not None
    assert listener.stream.clock.rate_hz == pytest.approx(400, rel=0.01)
    assert (np.diff(listener.numbers()[:, 1]) > 0).all()
    listener.stream.close()


def test_samples_that_are_no_numbers_are_left_out(amplifier: Amplifier) -> None:
    listener = listen(amplifier)
    start_s = amplifier.now_s() - 1
    rows = [[0, 0], [np.nan, 1], [2, np.inf], [3, 3], [4, 4]]
    for number, row in enumerate(rows):
        amplifier.send_row(row, start_s + number / 1000)
    listener.until(3)
    assert listener.numbers()[:, :2].tolist() == [[0, 0], [3, 3], [4, 4]]
    assert listener.stream.not_numbers == 2
    listener.stream.close()


def test_time_stamps_of_another_clock_are_brought_onto_the_hosts(amplifier: Amplifier) -> None:
    listener = listen(amplifier)
    for part in np.array_split(np.arange(1000), 10):
        amplifier.send(5.0 + part / 1000)
        listener.until(int(part[-1]) + 1)
    stamps_ns = [chunk.stamp_ns for chunk in listener.chunks]
    assert stamps_ns == sorted(stamps_ns)
    assert abs(stamps_ns[-1] - time.time_ns()) < 60 * NS_PER_S
    listener.stream.close()


def test_whole_numbers_are_read_as_well() -> None:
    with Amplifier(form="int16") as amplifier:
        listener = listen(amplifier)
        amplifier.send(amplifier.now_s() - 1 + np.arange(100) / 1000)
        listener.until(100)
        assert listener.numbers()[-1, 0] == 99
        listener.stream.close()


def test_a_stream_is_found_by_its_type_and_listed_by_its_name() -> None:
    kind = f"EMG-{time.time_ns()}"
    with Amplifier(kind=kind) as amplifier:
        device = LslEmg(LslConfig(type=kind, channels=("x", "y")))
        with device:
            assert amplifier.name in device.state
        assert amplifier.name in {stream.name for stream in find_streams()}


def test_what_is_wrong_with_a_stream_is_said_in_words() -> None:
    with pytest.raises(DeviceError, match="'nobody' is not on the network"):
        LslEmg(LslConfig(name="nobody", resolve_s=0.05)).connect()
    with Amplifier(rate_hz=0.0) as irregular:
        with pytest.raises(DeviceError, match="does not state its rate"):
            LslEmg(LslConfig(name=irregular.name)).connect()
        with pytest.raises(DeviceError, match="2 channels, but 3 names"):
            LslEmg(
                LslConfig(name=irregular.name, rate_hz=100.0, channels=("a", "b", "c"))
            ).connect()
        with pytest.raises(DeviceError, match="no channel 'ticks'"):
            LslEmg(LslConfig(name=irregular.name, rate_hz=100.0, counter_channel="ticks")).connect()
    with (
        Amplifier(form="string") as talker,
        pytest.raises(DeviceError, match="sends text"),
    ):
        LslEmg(LslConfig(name=talker.name)).connect()
    with pytest.raises(DeviceError, match="not connected"):
        LslEmg(LslConfig()).read(0)


@pytest.mark.parametrize(
    ("stated", "plain"), [("", "uV"), ("microvolts", "uV"), ("µV", "uV"), ("mV", "mV"), ("g", "g")]
)
def test_units_are_written_one_way(stated: str, plain: str) -> None:
    assert plain_unit(stated) == plain
