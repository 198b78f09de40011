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

"""A person's strongest contraction is recorded, kept, and what the envelope is a part of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import MvcError, MvcFolder
from kpm_ros.sense.emg.personal_envelope import MVC_UNIT, PersonalEnvelope
from kpm_ros.sense.samples import ChannelChunk

RATE_HZ = 1000.0
NAMES = ("ADM", "1DI")


class Session:
    """One person at the amplifier."""

    def __init__(self, folder: Path, person: str = "clara", **config: float) -> None:
        self.personal = PersonalEnvelope(EnvelopeConfig(**config), folder, person)
        self._index = 0
        self._noise = np.random.default_rng(5)

    def contract(self, efforts: tuple[float, ...], seconds: float) -> ChannelChunk:
        """Contract each muscle so hard for so long; returns the last chunk of envelope."""
        for _ in range(round(seconds * 10)):
            raw = self._noise.standard_normal((100, len(efforts))) * np.array(efforts) * 100
            chunk = ChannelChunk(
                "emg",
                self._index * 1_000_000,
                self._index,
                RATE_HZ,
                NAMES[: len(efforts)],
                "uV",
                raw.astype(np.float32),
            )
            self._index += 100
            smooth = self.personal.push_chunk(chunk)
        return smooth

    def record(self) -> Path:
        self.personal.start_recording()
        self.contract((1.0, 0.1), 2)
        self.contract((0.1, 2.0), 2)
        return self.personal.stop_recording()


def test_without_a_recording_the_envelope_keeps_the_unit_of_the_samples(tmp_path: Path) -> None:
    session = Session(tmp_path)
    assert session.contract((1.0, 1.0), 1).unit == "uV"
    assert session.personal.problem == "no maximum contraction of clara is recorded yet"


def test_after_a_recording_the_envelope_is_a_part_of_the_strongest_contraction(
    tmp_path: Path,
) -> None:
    session = Session(tmp_path)
    session.contract((0.2, 0.2), 1)
    session.record()
    half = session.contract((0.5, 1.0), 2)
    assert half.unit == MVC_UNIT
    assert half.samples.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.12)
    assert session.personal.problem == ""


def test_maxima_are_kept_for_the_person_and_for_nobody_else(tmp_path: Path) -> None:
    path = Session(tmp_path).record()
    assert path == tmp_path / "clara.yaml"
    again = Session(tmp_path)
    assert again.contract((1.0, 1.0), 1).unit == MVC_UNIT
    assert Session(tmp_path, "robert").contract((1.0, 1.0), 1).unit == "uV"
    assert [file.name for file in tmp_path.iterdir()] == ["clara.yaml"]


def test_maxima_of_another_envelope_are_not_used(tmp_path: Path) -> None:
    Session(tmp_path).record()
    other = Session(tmp_path, smooth_hz=3.0)
    assert other.contract((1.0, 1.0), 1).unit == "uV"
    assert "another envelope" in other.personal.problem


def test_maxima_of_other_channels_or_another_unit_are_not_used(tmp_path: Path) -> None:
    Session(tmp_path).record()
    path = tmp_path / "clara.yaml"
    path.write_text(path.read_text().replace("1DI", "2DI"))
    session = Session(tmp_path)
    assert session.contract((1.0, 1.0), 1).unit == "uV"
    assert "lack the channels 1DI" in session.personal.problem

    path.write_text(path.read_text().replace("2DI", "1DI").replace("unit: uV", "unit: mV"))
    session = Session(tmp_path)
    assert session.contract((1.0, 1.0), 1).unit == "uV"
    assert "are in mV, but the samples in uV" in session.personal.problem


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not YAML"),
        ("- 1\n- 2\n", "holds no maxima"),
        ("channels: {ADM: loud}\nunit: uV\nenvelope: x\n", "holds no maxima"),
        ("channels: {ADM: 0}\nunit: uV\nenvelope: x\n", "not above 0"),
        ("channels: {ADM: .nan}\nunit: uV\nenvelope: x\n", "not above 0"),
        ("!!python/object/apply:os.system ['true']\n", "not YAML"),
    ],
)
def test_a_broken_file_is_named_and_not_used(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "clara.yaml").write_text(content)
    session = Session(tmp_path)
    assert said in session.personal.problem
    assert "clara.yaml" in session.personal.problem
    assert session.contract((1.0, 1.0), 1).unit == "uV"


def test_recordings_that_say_nothing_are_refused(tmp_path: Path) -> None:
    session = Session(tmp_path)
    with pytest.raises(MvcError, match=r"no recording .* has been started"):
        session.personal.stop_recording()
    session.personal.start_recording()
    with pytest.raises(MvcError, match="being recorded already"):
        session.personal.start_recording()
    with pytest.raises(MvcError, match="no EMG came"):
        session.personal.stop_recording()
    session.personal.start_recording()
    session.contract((1.0, 1.0), 0.8)
    with pytest.raises(MvcError, match=r"lasted 0\.8 s, but needs 1 s"):
        session.personal.stop_recording()
    session = Session(tmp_path)
    session.personal.start_recording()
    session.contract((1.0, 0.0), 2)
    with pytest.raises(MvcError, match="nothing was seen on 1DI"):
        session.personal.stop_recording()
    assert list(tmp_path.iterdir()) == []


def test_a_twitch_is_no_strength(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.personal.start_recording()
    session.contract((1.0, 1.0), 2)
    session.contract((20.0, 1.0), 0.1)
    session.contract((1.0, 1.0), 2)
    session.personal.stop_recording()
    mvc = MvcFolder(tmp_path).load("clara")
    assert mvc is not None
    assert mvc.channels["ADM"] < 7 * mvc.channels["1DI"]


@pytest.mark.parametrize("person", ["", "../clara", "clara schumann", ".hidden", "a/b"])
def test_a_name_that_cannot_be_a_files_is_refused(tmp_path: Path, person: str) -> None:
    with pytest.raises(MvcError, match="must be a name of letters"):
        PersonalEnvelope(EnvelopeConfig(), tmp_path, person)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    mvc = Session(tmp_path).record() and MvcFolder(tmp_path).load("clara")
    assert mvc is not None
    with pytest.raises(MvcError, match="cannot be written"):
        MvcFolder(tmp_path / "file" / "below").save(replace(mvc, person="robert"))
