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

"""XDF and CSV files of a laboratory become recordings, damaged ones as far as they are whole."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.learn.importing.xdf import read_xdf
from kpm_ros.learn.recordings.dataset_readers import open_dataset

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "emg"


def chunk(tag: int, content: bytes) -> bytes:
    length = len(content) + 2
    return b"\x04" + length.to_bytes(4, "little") + tag.to_bytes(2, "little") + content


def header(number: int, name: str, kind: str, rate_hz: float, labels: tuple[str, ...]) -> bytes:
    channels = "".join(
        f"<channel><label>{label}</label><unit>microvolts</unit></channel>" for label in labels
    )
    text = (
        f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type>"
        f"<channel_count>{len(labels)}</channel_count><nominal_srate>{rate_hz}</nominal_srate>"
        f"<channel_format>{'string' if kind == 'Markers' else 'float32'}</channel_format>"
        f"<desc><channels>{channels}</channels></desc></info>"
    )
    return chunk(2, struct.pack("<I", number) + text.encode())


def samples(number: int, stamps: list[float | None], values: np.ndarray) -> bytes:
    body = b"".join(
        (b"\x08" + struct.pack("<d", at) if at is not None else b"\x00") + row.tobytes()
        for at, row in zip(stamps, values.astype("<f4"), strict=True)
    )
    return chunk(3, struct.pack("<I", number) + b"\x04" + struct.pack("<I", len(values)) + body)


def offset(number: int, at_s: float, by_s: float) -> bytes:
    return chunk(4, struct.pack("<Idd", number, at_s, by_s))


def xdf(seconds: float = 4.0, ahead_s: float = 5.0) -> bytes:
    """EMG on a clock that is 5 s behind the recorder's, force on the recorder's, and words."""
    random = np.random.default_rng(0)
    emg = random.normal(size=(round(1000 * seconds), 2)) * 50
    force = np.arange(round(50 * seconds))[:, None] / 10
    parts = [
        b"XDF:",
        chunk(1, b"<info><version>1.0</version></info>"),
        header(1, "Trigno", "EMG", 1000.0, ("FDI", "ADM")),
        header(2, "grip-force", "Force", 50.0, ("thumb",)),
        header(3, "words", "Markers", 0.0, ("word",)),
    ]
    for part in range(0, len(emg), 200):
        first: list[float | None] = [100 - ahead_s + part / 1000]
        parts.append(samples(1, first + [None] * 199, emg[part : part + 200]))
        parts.append(offset(1, 100 - ahead_s + part / 1000, ahead_s if part != 1000 else 20.0))
        own = slice(part // 20, part // 20 + 10)
        stamps: list[float | None] = [100 + k / 50 for k in range(own.start, own.stop)]
        parts.append(samples(2, stamps, force[own]))
    return b"".join(parts)


def test_streams_of_an_xdf_file_are_put_on_one_clock(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(xdf())
    found = read_xdf(path)
    kinds = {one.name: (kind, one) for kind, one in found.streams}
    kind, emg = kinds["Trigno"]
    assert (kind, emg.channels, emg.unit, emg.rate_hz) == ("EMG", ("FDI", "ADM"), "uV", 1000.0)
    # The one measurement of the clock that is 15 s off is left out.
    np.testing.assert_allclose(emg.stamps_ns / 1e9, 100 + np.arange(4000) / 1000, atol=1e-6)
    force = kinds["grip-force"][1]
    np.testing.assert_allclose(force.stamps_ns / 1e9, 100 + np.arange(200) / 50, atol=1e-6)
    assert any("1 of 20 measurements of the clock of Trigno" in said for said in found.said)
    assert any("the stream words holds string" in said for said in found.said)


def test_an_xdf_file_becomes_a_data_set(tmp_path: Path) -> None:
    path = tmp_path / "run_1.xdf"
    path.write_bytes(xdf())
    out = tmp_path / "set"
    words = ["dataset", str(path), "--person", "P07", "--task", "grip", "--cut-s", "1"]
    main([*words, "--out", str(out), "--workers", "1"])
    dataset = open_dataset(out)
    assert sorted(dataset.names) == [f"P07_grip_run_1_{k}" for k in (1, 2, 3, 4)]
    assert dataset.streams.names == ("grip_force",)
    assert [len(dataset.splits[split]) for split in ("train", "val", "test")] == [2, 1, 1]
    third = dataset.recording("P07_grip_run_1_3")
    assert np.isfinite(third.truth.values).all()
    force = third.series[0]
    # Force rises by 5 a second from the file's beginning on, a recording's begins with the EMG.
    first = float(force.values[0, 0]) / 5
    assert force.stamps_ns[0] / 1e9 - first == pytest.approx(0.0, abs=0.06)


def test_an_xdf_file_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = xdf()
    path = tmp_path / "a.xdf"
    path.write_bytes(whole[: len(whole) // 2])
    found = read_xdf(path)
    assert 1500 < len(found.streams[0][1].samples) < 2500
    assert any("it was read up to where it is cut off" in said for said in found.said)
    bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><info/>"
    for content, says in (
        (b"RIFF" + whole[4:], "does not begin as an XDF recording"),
        (b"XDF:" + chunk(2, struct.pack("<I", 1) + bomb), "defines words of its own"),
        (b"XDF:", "holds no stream of numbers"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=says):
            read_xdf(path)


def test_which_stream_is_the_emg_must_be_clear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "angle_1.csv"
    path.write_text("time,a\n" + "\n".join(f"{k * 10},{k}" for k in range(200)))
    assert main(["dataset", str(path), "--out", str(tmp_path / "set"), "--workers", "1"]) == 2
    assert "has 0 streams that are the EMG, among angle: say which by --emg" in (
        capsys.readouterr().err
    )


@pytest.mark.skipif(not REAL.is_dir(), reason=f"there are no recordings in {REAL}")
def test_real_emg_and_finger_angles_in_csv_files_become_a_data_set(tmp_path: Path) -> None:
    out = tmp_path / "set"
    words = ["dataset", *map(str, sorted(REAL.glob("*.csv"))), "--emg", "exg", "--person", "P1"]
    main([*words, "--cut-s", "10", "--out", str(out), "--workers", "1"])
    dataset = open_dataset(out)
    assert (dataset.streams.names, len(dataset.names)) == (("angle",), 6)
    assert len(dataset.muscles) == 8
    minutes = sum(dataset.recording(name).duration_s for name in dataset.names) / 60
    assert minutes == pytest.approx(1.05, abs=0.03)
    # No hand was seen in a part of the frames, which are there and empty.
    seen = np.concatenate([dataset.recording(name).series[0].seen for name in dataset.names])
    assert 0.9 < seen.mean() < 1
