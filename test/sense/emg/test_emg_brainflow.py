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

"""EMG from BrainFlow's own boards, which need no hardware."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.sense.connection import DeviceError
from kpm_ros.sense.emg.emg_brainflow import PLAYBACK_BOARD, BrainFlowConfig, BrainFlowEmg
from kpm_ros.sense.emg.emg_stream import EmgStream
from kpm_ros.sense.samples import ChannelChunk
from support.waiting import wait_for

brainflow = pytest.importorskip("brainflow", reason="brainflow is not installed")


def collect(stream: EmgStream, enough: Callable[[list[ChannelChunk]], bool]) -> list[ChannelChunk]:
    chunks: list[ChannelChunk] = []
    wait_for(
        lambda: chunks.extend(stream.poll(time.time_ns())) or enough(chunks),
        "samples of the board",
    )
    stream.close()
    return chunks


def count(chunks: list[ChannelChunk]) -> int:
    return sum(len(chunk.samples) for chunk in chunks)


def test_the_synthetic_board_streams_sixteen_channels_without_a_hole() -> None:
    stream = EmgStream(BrainFlowEmg(BrainFlowConfig()))
    chunks = collect(stream, lambda chunks: count(chunks) >= 300)
    first = chunks[0]
    assert len(first.channels) == 16
    assert (first.unit, first.first_index) == ("uV", 0)
    assert stream.clock is not None
    assert stream.clock.lost == 0
    for before, after in pairwise(chunks):
        assert after.first_index == before.first_index + len(before.samples)
        assert after.stamp_ns > before.stamp_ns
    assert all(np.isfinite(chunk.samples).all() for chunk in chunks)


def test_a_recording_is_played_by_the_playback_board(tmp_path: Path) -> None:
    from brainflow.board_shim import BoardShim, BrainFlowInputParams

    recording = tmp_path / "recording.csv"
    BoardShim.disable_board_logger()
    board = BoardShim(-1, BrainFlowInputParams())
    board.prepare_session()
    try:
        board.add_streamer(f"file://{recording}:w")
        board.start_stream()
        wait_for(lambda: board.get_board_data_count() >= 50, "a recording")
        board.stop_stream()
    finally:
        board.release_session()
    rows = np.loadtxt(recording, delimiter="\t")

    stream = EmgStream(
        BrainFlowEmg(BrainFlowConfig(PLAYBACK_BOARD, file=str(recording), master_board=-1))
    )
    chunks = collect(stream, lambda chunks: count(chunks) >= 40)
    played = np.concatenate([chunk.samples for chunk in chunks])
    np.testing.assert_allclose(played, rows[: len(played), 1:17], rtol=1e-4, atol=1e-2)


def test_a_board_can_be_read_again_after_it_was_let_go() -> None:
    device = BrainFlowEmg(BrainFlowConfig(channels=tuple("abcdefghijklmnop")))
    for _ in range(2):
        with device as board:
            wait_for(lambda board=board: board.read(0), "a sample")
    with pytest.raises(DeviceError, match="not connected"):
        device.read(0)


def test_the_interpreter_ends_in_peace_though_nobody_let_the_board_go() -> None:
    code = (
        "from kpm_ros.sense.emg.emg_brainflow import *\n"
        "board = BrainFlowEmg(BrainFlowConfig())\n"
        "print(board.connect().rate_hz)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "250.0"), ended.stderr


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (BrainFlowConfig(board_id=9999), "no board of this id"),
        (BrainFlowConfig(board_id=0, serial_port="/dev/nowhere"), "dialout"),
        (BrainFlowConfig(PLAYBACK_BOARD, file="/no/such/file", master_board=-1), "BrainFlow board"),
        (BrainFlowConfig(channels=("one",)), "16 channels, but 1 names"),
    ],
)
def test_what_is_wrong_with_a_board_is_said_in_words(config: BrainFlowConfig, said: str) -> None:
    with pytest.raises(DeviceError, match=said) as refusal:
        BrainFlowEmg(config).connect()
    assert "\n" not in str(refusal.value)
