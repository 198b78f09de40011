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

"""`kpm foresee`: from a MIDI file to what it will ask of both hands."""

from __future__ import annotations

import csv
from pathlib import Path

import mido
import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.hand_motion import HandMotion

BEAT = 480


def _piece(path: Path, *messages: mido.Message) -> Path:
    piece = mido.MidiFile(ticks_per_beat=BEAT)
    piece.tracks.append(mido.MidiTrack(messages))
    piece.save(str(path))
    return path


def _played(*notes: int, beats: float = 1.0) -> list[mido.Message]:
    return [
        message
        for note in notes
        for message in (
            mido.Message("note_on", note=note, velocity=80),
            mido.Message("note_off", note=note, time=round(beats * BEAT)),
        )
    ]


def test_a_piece_gives_a_page_tables_and_a_movement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _piece(tmp_path / "scale.mid", *_played(60, 62, 64, 65, 67, 48))
    out = tmp_path / "out"
    words = ["--out", str(out), "--passages", "1"]
    assert main(["foresee", str(path), *words]) == 0
    said = capsys.readouterr().out
    assert "SIMULATED: scale, 0 to 3 s, 6 notes" in said
    assert "At 80 % of the tempo:" in said
    assert "With another fingering:" in said
    page = (out / "foresee.html").read_text()
    assert "What a piece will ask of two hands" in page
    assert "SIMULATED hands play it; no muscle was measured" in page
    assert "of the fingers (" in page
    with (out / "bars.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["hand"] for row in rows} == {"right", "left"}
    assert all(row["by"].startswith("SIMULATED, ") for row in rows)
    assert {row["bar"] for row in rows} == {"1", "2"}
    # 40 muscles by the anatomical model, six by the estimator.
    assert len({(row["by"], row["muscle"]) for row in rows}) == 46
    with (out / "effort.csv").open() as file:
        beside = list(csv.DictReader(file))
    assert (beside[60]["time_s"], beside[60]["bar"], beside[60]["beat"]) == ("1.20", "1", "3.40")
    motion = HandMotion.load(out / "motion.npz")
    assert motion.simulated
    assert np.isfinite(motion.hands["left"].joints).all()


@pytest.mark.parametrize(
    ("messages", "words", "sentence"),
    [
        ([mido.Message("control_change", control=64, value=9)], [], "without a single note"),
        (
            _played(60, beats=14_400),
            [],
            "2 h, but at most 20 min are foreseen at once: choose them",
        ),
        (_played(60, beats=80_000), [], "lasts 11.1 h, but only pieces of up to 6 h are read"),
        (_played(60, 62), ["--from", "9"], "has no note from 9 s on"),
        (_played(60, 62), ["--from", "2", "--until", "1"], "--from is 2 s, but must be before"),
        (_played(60, 62), ["--threshold", "40"], "--threshold is 40, but must be between 0 and 1"),
        (_played(60, 62), ["--tempo", "0"], "--tempo is 0, but must be from 10 to 300 percent"),
    ],
)
def test_what_cannot_be_foreseen_is_refused_in_a_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    messages: list[mido.Message],
    words: list[str],
    sentence: str,
) -> None:
    path = _piece(tmp_path / "a.mid", *messages)
    assert main(["foresee", str(path), "--out", str(tmp_path / "out"), *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
