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

"""`kpm compare`: MIDI files and bags, what is printed, what is written, what is refused."""

from __future__ import annotations

from dataclasses import replace

import mido
import numpy as np

from kpm_ros.cli import main
from kpm_ros.core.chunks import EffortChunk, Trace
from kpm_ros.models.pianokpm.published import MUSCLES, published_card
from kpm_ros.sense.samples import KeyEvent
from support import bags
from support.bags import MS, T0


def midi_file(path, pitches, step=240):
    track = mido.MidiTrack()
    for pitch in pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=64, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=step))
    mido.MidiFile(tracks=[track]).save(path)
    return path


def bag_of(folder, louder=0, effort=0.2, seconds=6):
    """Record the simulated pianist's notes, and effort that is the same all the time."""
    entries = []
    for delivery in bags.played(seconds):
        sample = delivery.sample
        if isinstance(sample, KeyEvent):
            velocity = sample.velocity + louder if sample.velocity else 0
            sample = replace(sample, velocity=velocity)
            entries.append(bags.entry(sample, delivery.deliver_ns))
    entries.append(bags.info(published_card(), "f" * 64))
    for part in range(seconds * 100):
        at_ns = T0 + part * 10 * MS
        values = np.full((20, len(MUSCLES)), effort, np.float32)
        trace = Trace(at_ns, at_ns, at_ns, at_ns, at_ns, at_ns)
        chunk = EffortChunk(at_ns, part * 20, values, np.zeros(20, np.uint16), trace)
        entries.append(bags.entry(chunk, at_ns))
    return bags.write(folder, entries)


def test_two_midi_files_become_a_page_and_a_table(tmp_path, capsys):
    scale = [60, 62, 64, 65, 67, 69, 71, 72] * 2
    expert = midi_file(tmp_path / "expert.mid", scale)
    mine = midi_file(tmp_path / "mine.mid", [*scale[:5], 68, *scale[6:]], step=480)
    page, table = tmp_path / "page.html", tmp_path / "notes.csv"
    assert main(["compare", str(expert), str(mine), "--out", str(page), "--csv", str(table)]) == 0
    said = capsys.readouterr().out
    assert "15 notes are in both; 1 are only in the first, 1 only in the second." in said
    assert "50% slower" in said
    assert "A4 is not played; G#4 is played that the other has not." in said
    assert "Where they differ most" in page.read_text()
    assert len(table.read_text().splitlines()) == 1 + 15 + 1 + 1


def test_two_bags_are_compared_with_their_muscles(tmp_path, capsys):
    expert, mine = bag_of(tmp_path / "expert"), bag_of(tmp_path / "mine", 12, 0.5)
    page = tmp_path / "page.html"
    assert main(["compare", str(expert), str(mine), "--out", str(page)]) == 0
    said = capsys.readouterr().out
    assert "12 of 127 louder as a whole" in said
    assert "Nothing is said of muscles" not in said
    assert f"{MUSCLES[0]} works 0.30 of its maximum more" in said
    assert "+0.300" in page.read_text()


def test_two_pieces_and_what_is_no_performance_are_refused(tmp_path, capsys):
    one = midi_file(tmp_path / "one.mid", [60, 62, 64, 65, 67, 69, 71, 72])
    other = midi_file(tmp_path / "other.mid", [40, 49, 43, 54, 47, 58, 42, 53])
    text = tmp_path / "text.mid"
    text.write_text("no music")
    for words, sentence in (
        ((one, other), "these are two pieces"),
        ((one, text), "is not a MIDI file"),
        ((one, tmp_path / "nothing"), "no bag at"),
    ):
        assert main(["compare", *map(str, words), "--out", str(tmp_path / "page.html")]) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
