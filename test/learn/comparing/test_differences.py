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

"""What is told of two performances is what was changed between them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import mido
import numpy as np
import pytest

from kpm_ros.learn.comparing.advice import bar_differences, worst
from kpm_ros.learn.comparing.bars import bars_of_midi, bars_of_score, find_bars, passages
from kpm_ros.learn.comparing.differences import TwoPiecesError, compare
from kpm_ros.learn.comparing.note_table import as_csv
from kpm_ros.learn.comparing.patterns import chords, repeated, runs
from kpm_ros.learn.comparing.performance import MuscleTraces, Performance
from kpm_ros.learn.comparing.report import report_of, sentences
from kpm_ros.learn.reports.page import render
from kpm_ros.sense.midi.score import Note, Score

BEAT_S = 0.5


def played(title: str = "first", **changed: dict[int, float]) -> Performance:
    """Eight bars of four beats: a scale up and down over chords; notes can be changed."""
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    notes = []
    for beat in range(32):
        pitch = scale[beat % 8] if beat < 16 else scale[7 - beat % 8]
        notes.append(Note(BEAT_S * beat, 0.4, pitch, 64))
        if beat % 4 == 0:
            notes += [Note(BEAT_S * beat, 1.8, low, 64) for low in (43, 47, 50)]
    for name, values in changed.items():
        for beat, by in values.items():
            melody = [k for k, note in enumerate(notes) if note.pitch >= 60]
            old = notes[melody[beat]]
            notes[melody[beat]] = replace(old, **{name: getattr(old, name) + by})
    return Performance(title, Score.of(notes, name=title))


def melody_pair(differences, beat: int) -> int:
    """Which pair the melody's note at a beat is."""
    first = differences.first
    pairs = differences.matched.pairs[:, 0]
    (found,) = np.flatnonzero(
        (np.abs(first.onset_s[pairs] - BEAT_S * beat) < 0.01) & (first.pitch[pairs] >= 60)
    )
    return int(found)


def test_a_late_a_loud_and_a_held_note_are_told_by_how_much() -> None:
    second = played("second", onset_s={9: 0.08}, velocity={13: 30}, duration_s={18: 0.3})
    found = compare(played(), second)
    late, loud, held = (melody_pair(found, beat) for beat in (9, 13, 18))
    assert found.late_s[late] == pytest.approx(0.08, abs=0.01)
    assert found.louder[loud] == pytest.approx(30)
    assert found.held_s[held] == pytest.approx(0.3, abs=0.02)
    others = np.setdiff1d(np.arange(len(found.late_s)), [late, loud, held])
    assert np.nanmax(np.abs(found.late_s[others])) < 0.02
    assert np.all(found.louder[others] == 0)


def test_a_slower_player_is_not_late() -> None:
    first = played()
    slow = Score.of(
        [
            replace(note, onset_s=1.5 * note.onset_s, duration_s=1.5 * note.duration_s)
            for note in first.score.notes
        ]
    )
    found = compare(first, Performance("slow", slow))
    np.testing.assert_allclose(found.tempo, 1.5, atol=1e-6)
    np.testing.assert_allclose(found.late_s, 0.0, atol=1e-6)
    np.testing.assert_allclose(found.held_s, 0.0, atol=1e-6)


def test_a_louder_performance_as_a_whole_is_not_louder_note_by_note() -> None:
    first = played()
    loud = Score.of([replace(note, velocity=note.velocity + 20) for note in first.score.notes])
    found = compare(first, Performance("loud", loud))
    assert found.level == 20
    assert not found.louder.any()


def test_two_pieces_are_refused_in_a_sentence() -> None:
    other = Score.of([Note(0.3 * k, 0.2, 96 - 3 * (k % 7), 64) for k in range(40)])
    with pytest.raises(TwoPiecesError, match="these are two pieces"):
        compare(played(), Performance("other", other))


def test_a_performance_that_stops_in_the_middle_is_compared_as_far_as_it_goes() -> None:
    first = played()
    half = Score.of([note for note in first.score.notes if note.onset_s < 8.0])
    found = compare(first, Performance("half", half))
    assert len(found.matched.pairs) == len(half.notes)
    assert first.onset_s[found.matched.only_first].min() == 8.0
    said = "The second stops where the first is at 8.0 s, and 28 notes follow there"
    assert any(sentence.startswith(said) for sentence in sentences(found))
    told = bar_differences(found, passages(first))
    assert [bar.sentence for bar in told][2:] == ["Not played."] * 2
    assert worst(told) == []
    # The other way round it is the first that has stopped.
    turned = compare(found.second, found.first)
    assert any("The first stops where the second is at 8.0 s" in one for one in sentences(turned))
    assert worst(bar_differences(turned, passages(turned.first))) == []


def test_a_few_notes_left_out_at_the_end_are_mistakes_and_no_stop() -> None:
    first = played()
    most = Score.of([note for note in first.score.notes if note.onset_s < 14.5])
    found = compare(first, Performance("most", most))
    assert not len(found.matched.after_second)
    assert "not played" in worst(bar_differences(found, passages(first)))[0].sentence


def test_the_bar_with_the_mistakes_is_the_worst_and_the_sentence_names_them() -> None:
    found = compare(played(), played("second", pitch={21: 1}))
    (bar,) = worst(bar_differences(found, passages(found.first)))
    assert bar.name == "0:08"
    assert bar.sentence == "E4 is not played; F4 is played that the other has not."


def test_in_the_same_performance_there_is_nothing_to_notice() -> None:
    found = compare(played(), played("again"))
    assert worst(bar_differences(found, passages(found.first))) == []


def test_scales_repeated_notes_and_chords_are_found_and_their_evenness_told() -> None:
    uneven = compare(played(), played("uneven", onset_s={2: 0.1, 4: 0.1, 6: 0.1}))
    scales = runs(uneven)
    assert scales
    assert scales[0].time[0] == pytest.approx(0.0, abs=1e-9)
    assert scales[0].time[1] > 0.1
    spreads = np.array([one.spread_s for one in chords(uneven)])
    np.testing.assert_allclose(spreads[:, 0], 0.0)
    assert spreads[:, 1].max() == pytest.approx(0.1)
    again = Score.of([Note(0.2 * k, 0.1, 67, 60 + 5 * (k % 2)) for k in range(12)])
    steady = Score.of([Note(0.2 * k, 0.1, 67, 60) for k in range(12)])
    (found,) = repeated(compare(Performance("a", again), Performance("b", steady)))
    assert found.loudness[0] > 2
    assert found.loudness[1] == pytest.approx(0.0, abs=1e-9)


def traces(score: Score, work: float, later_s: float = 0.0) -> MuscleTraces:
    """One muscle that works while a key is down, and one that never does."""
    times = np.arange(0.0, score.duration_s, 0.002)
    effort = np.zeros((len(times), 2), np.float32)
    for note in score.notes:
        peak = note.onset_s + later_s
        effort[:, 0] += work * np.exp(-(((times - peak) / 0.05) ** 2)).astype(np.float32)
    return MuscleTraces(times, effort, ("FDI", "ADM"))


def test_a_muscle_that_works_more_and_later_is_named() -> None:
    first, second = played(), played("second")
    found = compare(
        replace(first, traces=traces(first.score, 0.2)),
        replace(second, traces=traces(second.score, 0.8, 0.03)),
    )
    assert found.more_effort is not None
    assert found.later_effort_s is not None
    assert np.nanmean(found.more_effort[:, 0]) > 0.1
    assert np.nanmedian(found.later_effort_s[:, 0]) == pytest.approx(0.03, abs=0.005)
    assert np.nanmax(np.abs(found.more_effort[:, 1])) == 0
    said = " ".join(bar.sentence for bar in bar_differences(found, passages(found.first)))
    assert "FDI works" in said
    assert "more" in said


def test_effort_that_is_not_valid_is_left_out() -> None:
    first, second = played(), played("second")
    known = traces(first.score, 0.5)
    known.effort[known.times_s > 4.0] = np.nan
    found = compare(replace(first, traces=known), replace(second, traces=traces(second.score, 0.5)))
    assert found.more_effort is not None
    assert np.isnan(found.more_effort[-1, 0])
    assert np.isfinite(found.more_effort[0, 0])


def midi_file(path, score: Score, bar_beats: int = 4):
    """Write a score on the beats of a MIDI file."""
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=bar_beats, denominator=4)])
    events = [(note.onset_s, "note_on", note) for note in score.notes]
    events += [(note.end_s, "note_off", note) for note in score.notes]
    now = 0
    for at_s, kind, note in sorted(events, key=lambda event: event[:2]):
        tick = round(at_s / BEAT_S * 480)
        track.append(mido.Message(kind, note=note.pitch, velocity=64, time=tick - now))
        now = tick
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)
    return path


def test_bars_are_those_that_the_midi_file_counts(tmp_path) -> None:
    first = played()
    bars = bars_of_midi(first, midi_file(tmp_path / "p.mid", first.score))
    assert bars is not None
    assert bars.names == tuple(f"bar {k}" for k in range(1, 9))
    np.testing.assert_array_equal(bars.of_note, (first.onset_s + 1e-6) // (4 * BEAT_S))


def test_a_midi_file_whose_notes_keep_to_no_beat_has_passages_instead_of_bars(tmp_path) -> None:
    draw = np.random.default_rng(1)
    first = played()
    free = Score.of(
        [
            replace(note, onset_s=note.onset_s * 1.037 + draw.uniform(0, 0.05))
            for note in first.score.notes
        ]
    )
    path = midi_file(tmp_path / "p.mid", free)
    bars = find_bars(Performance("free", free), midi=path)
    assert bars.names[:2] == ("0:00", "0:04")


MUSICXML = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="3.1"><part-list><score-part id="P1"><part-name>P</part-name></score-part>
</part-list><part id="P1">{}</part></score-partwise>"""


def musicxml(pitches: list[int], repeat: bool = False) -> str:
    """Write four quarters a bar."""
    names = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
    bars = []
    for bar in range(len(pitches) // 4):
        notes = "".join(
            f"<note><pitch><step>{names[p % 12]}</step><octave>{p // 12 - 1}</octave></pitch>"
            "<duration>1</duration><type>quarter</type></note>"
            for p in pitches[4 * bar : 4 * bar + 4]
        )
        head = (
            "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type>"
            "</time></attributes>"
            if bar == 0
            else ""
        )
        last = bar == len(pitches) // 4 - 1
        tail = (
            '<barline location="right"><repeat direction="backward"/></barline>'
            if repeat and last
            else ""
        )
        bars.append(f'<measure number="{bar + 1}">{head}{notes}{tail}</measure>')
    return MUSICXML.format("".join(bars))


SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def test_bars_are_the_scores_own_and_a_repeat_says_so(tmp_path) -> None:
    path = tmp_path / "piece.musicxml"
    path.write_text(musicxml(SCALE, repeat=True))
    score = Score.of([Note(0.4 * k, 0.3, p, 64) for k, p in enumerate(SCALE + SCALE)])
    bars = bars_of_score(Performance("twice", score), path)
    assert bars.names == ("bar 1", "bar 2", "bar 1, again", "bar 2, again")
    once = Score.of([Note(0.4 * k, 0.3, p, 64) for k, p in enumerate(SCALE)])
    assert bars_of_score(Performance("once", once), path).names == ("bar 1", "bar 2")


def test_a_score_of_another_piece_is_refused_in_a_sentence(tmp_path) -> None:
    path = tmp_path / "piece.musicxml"
    path.write_text(musicxml(SCALE))
    other = Score.of([Note(0.4 * k, 0.3, 84 - k, 64) for k in range(30)])
    with pytest.raises(ValueError, match="is not the score of other"):
        bars_of_score(Performance("other", other), path)
    path.write_text("<not-a-score/>")
    with pytest.raises(ValueError, match="a score that partitura reads"):
        bars_of_score(Performance("other", other), path)


def test_the_page_holds_everything_and_runs_nothing() -> None:
    hostile = "<script>alert(1)</script>"
    second = replace(played(hostile, onset_s={9: 0.1}, pitch={20: 1}), simulated=True)
    found = compare(played(), second)
    bars = passages(found.first)
    page = render(report_of(found, bars, bar_differences(found, bars)))
    assert "Two performances side by side" in page
    assert "SIMULATED" in page
    assert hostile not in page
    for part in ("Where they differ most", "Bar by bar", "Notes that only one plays", "Evenness"):
        assert part in page


def test_every_note_is_a_line_of_csv() -> None:
    found = compare(played(), played("second", pitch={20: 1}))
    lines = list(csv.DictReader(io.StringIO(as_csv(found, passages(found.first)))))
    matched = found.matched
    assert len(lines) == len(matched.pairs) + len(matched.only_first) + len(matched.only_second)
    assert lines[0]["note"] in ("C4", "G2")
    assert lines[-1]["first_s"] == ""
