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

"""EMG from recordings in CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.emg.emg_csv import EmgCsv, EmgCsvConfig
from kpm_ros.sense.emg.emg_stream import EmgStream
from kpm_ros.sense.samples import ChannelChunk

START_NS = 1_700_000_000 * NS_PER_S


def play(stream: EmgStream, seconds: float, step_ns: int = 10_000_000) -> list[ChannelChunk]:
    return [
        chunk
        for now_ns in range(START_NS, START_NS + round(seconds * NS_PER_S), step_ns)
        for chunk in stream.poll(now_ns)
    ]


def write(path: Path, header: str, rows: list[list[object]]) -> str:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def regular(rate_hz: float, unit: float, count: int = 500) -> list[list[object]]:
    return [[k / rate_hz * unit, k, -k] for k in range(count)]


def test_the_real_recording_is_played_whole_at_its_true_rate(shared: Path) -> None:
    path = shared / "data" / "emg" / "exg_1745109913.csv"
    device = EmgCsv(EmgCsvConfig(str(path)))
    stream = EmgStream(device)
    chunks = play(stream, device.duration_s + 0.1, step_ns=30_000_000)
    samples = np.concatenate([chunk.samples for chunk in chunks])
    expected = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float64)
    np.testing.assert_array_equal(samples, expected[:, 1:].astype(np.float32))
    assert chunks[0].channels == tuple(f"ch_{n}" for n in range(1, 9))
    assert chunks[-1].rate_hz == pytest.approx(250.0, abs=0.1)
    stamps_s = np.array([(chunk.stamp_ns - START_NS) / NS_PER_S for chunk in chunks])
    indices = np.array([chunk.first_index for chunk in chunks])
    times_s = (expected[indices, 0] - expected[0, 0]) / 1000
    assert np.abs(stamps_s - times_s).max() < 0.02
    assert stream.clock is not None
    assert (stream.clock.lost, stream.clock.restarts) == (0, 0)
    assert device.state == "ended"
    assert stream.connected, "the end of a recording is no fault"


def test_holes_in_a_recording_show_in_the_index(shared: Path, tmp_path: Path) -> None:
    lines = (shared / "data" / "emg" / "exg_1745109913.csv").read_text().splitlines()
    holed = tmp_path / "holed.csv"
    holed.write_text("\n".join(lines[:5001] + lines[5501:10_001]) + "\n")
    stream = EmgStream(EmgCsv(EmgCsvConfig(str(holed))))
    chunks = play(stream, 41, step_ns=30_000_000)
    assert stream.clock is not None
    assert stream.clock.lost == pytest.approx(500, abs=5)
    assert sum(len(chunk.samples) for chunk in chunks) == 9500


@pytest.mark.parametrize(
    ("rate_hz", "unit", "named"),
    [(2000, 1, "s"), (2000, 1e3, "ms"), (250, 1e3, "ms"), (1000, 1e6, "us"), (1000, 1e9, "ns")],
)
def test_the_unit_of_time_is_found_or_given(
    tmp_path: Path, rate_hz: float, unit: float, named: str
) -> None:
    path = write(
        tmp_path / "a.csv", "x,time,y", [[r[1], r[0], r[2]] for r in regular(rate_hz, unit)]
    )
    for given in ("auto", named):
        device = EmgCsv(EmgCsvConfig(path, time_unit=given, unit="mV"))
        described = device.connect()
        assert described.rate_hz == pytest.approx(rate_hz, rel=1e-6)
        assert (described.channels, described.unit) == (("x", "y"), "mV")


@pytest.mark.parametrize("pause_s", [0.5, 3600.0, 1e9])
def test_a_pause_changes_neither_the_rate_nor_the_time_that_it_takes(
    tmp_path: Path, pause_s: float
) -> None:
    rows = regular(1000, 1, 2000)
    rows = [[t if k < 1000 else t + pause_s, *rest] for k, (t, *rest) in enumerate(rows)]
    device = EmgCsv(EmgCsvConfig(write(tmp_path / "a.csv", "time,a,b", rows)))
    assert device.connect().rate_hz == pytest.approx(1000, rel=1e-6)
    assert device.duration_s == pytest.approx(2 + pause_s)
    device.read(START_NS)
    first = device.read(START_NS + NS_PER_S // 2)
    assert first is not None
    assert len(first.samples) == 500


@pytest.mark.parametrize("rate_hz", [700, 1024, 2000])
def test_times_that_are_rounded_to_milliseconds_tell_the_true_rate(
    tmp_path: Path, rate_hz: float
) -> None:
    rows = [[round(t), a, b] for t, a, b in regular(rate_hz, 1e3, 9000)]
    device = EmgCsv(EmgCsvConfig(write(tmp_path / "a.csv", "time,a,b", rows)))
    assert device.connect().rate_hz == pytest.approx(rate_hz, rel=1e-3)


def test_names_of_columns_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "time,\x1b[2Ja,b", regular(1000, 1))
    assert EmgCsv(EmgCsvConfig(path)).connect().channels == ("\\x1b[2Ja", "b")


def test_columns_are_chosen_and_ordered_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "when,a,b", regular(1000, 1))
    device = EmgCsv(EmgCsvConfig(path, time_column="when", channels=("b", "a")))
    (chunk,) = play(EmgStream(device), 0.6, step_ns=NS_PER_S) or play(EmgStream(device), 0.6)[:1]
    assert chunk.channels == ("b", "a")
    assert (chunk.samples[:, 0] == -chunk.samples[:, 1]).all()


def test_rows_that_are_not_numbers_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = regular(1000, 1)
    rows[100][1] = ""
    rows[200][2] = "nan"
    rows[300] = rows[300][:2]
    device = EmgCsv(EmgCsvConfig(write(tmp_path / "a.csv", "time,a,b", rows)))
    assert device.unreadable == 3
    chunks = play(EmgStream(device), 1)
    assert sum(len(chunk.samples) for chunk in chunks) == 497


def test_a_recording_may_begin_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "time,a,b", regular(1000, 1))
    stream = EmgStream(EmgCsv(EmgCsvConfig(path, repeat=True)))
    chunks = play(stream, 2.2)
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert len(samples) == pytest.approx(2200, abs=20)
    assert (samples[:, 0] == np.arange(len(samples)) % 500).all()


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_the_recording_waits_while_the_clock_is_set(tmp_path: Path, jump_s: int) -> None:
    path = write(tmp_path / "a.csv", "time,a,b", regular(1000, 1, 3000))
    device = EmgCsv(EmgCsvConfig(path))
    device.connect()
    device.read(START_NS)
    device.read(START_NS + NS_PER_S // 2)
    assert device.read(START_NS + jump_s * NS_PER_S) is None
    block = device.read(START_NS + jump_s * NS_PER_S + NS_PER_S // 10)
    assert block is not None
    assert len(block.samples) == 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no EMG recording"),
        ("time,a\n", "no EMG recording"),
        ("dear,diary\ntoday,rain\n", "no EMG recording"),
        ("time,a,a\n0,1,1\n1,1,1\n", "two columns of one name"),
        ("time,a\n0,1\n0,1\n", "stands still"),
        ("time,a\n0,1\n100000000,1\n", "give time_unit"),
        ("time\n0\n1\n", "no EMG recording"),
        ("time,a\n0,1\n1e300,1\n", "give time_unit"),
        ("time,a\n0,1\n1,1\n2,1\n3,1\n9e12,1\n", "9e\\+09 s apart"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_name(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=said) as refusal:
        EmgCsv(EmgCsvConfig(str(path)))
    assert "odd.csv" in str(refusal.value)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 10)
    for path in (tmp_path / "nowhere.csv", tmp_path, tmp_path / "noise.csv"):
        with pytest.raises(ValueError, match="cannot be read"):
            EmgCsv(EmgCsvConfig(str(path)))
    path = write(tmp_path / "a.csv", "time,a,b", regular(1000, 1))
    for config in (
        EmgCsvConfig(path, time_column="when"),
        EmgCsvConfig(path, channels=("c",)),
    ):
        with pytest.raises(ValueError, match=r"when|channel c"):
            EmgCsv(config)
    with pytest.raises(ValueError, match="time_unit is 'h', but must be one of: auto, s, ms"):
        EmgCsvConfig(path, time_unit="h")
    with pytest.raises(DeviceError, match="not being played"):
        EmgCsv(EmgCsvConfig(path)).read(START_NS)
