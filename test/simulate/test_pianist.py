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

"""The pianist: fingers on keys, bones of constant length, muscles ahead of movement."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from kpm_ros.core.keyboard import KEY_TOP_M, KEY_X_M, TRAVEL_M
from kpm_ros.sense.midi.score import Note, PedalMove, Score
from kpm_ros.sense.samples import KeyEventKind
from kpm_ros.simulate.example_scores import five_finger_study, random_study
from kpm_ros.simulate.hand import FINGERS
from kpm_ros.simulate.person import MUSCLES, Person
from kpm_ros.simulate.pianist import Pianist

BONES = [(0, 1), (0, 5), (0, 9), (0, 13), (0, 17)] + [
    (first + joint, first + joint + 1) for first in (1, 5, 9, 13, 17) for joint in range(3)
]
OWN = {"ADM": 4, "PB": 0, "1DI": 1, "2DI": 2, "3DI": 2, "4DI": 3}


@pytest.fixture(scope="module")
def study() -> Pianist:
    return Pianist(five_finger_study(), seed=1)


@pytest.fixture(scope="module", params=range(4))
def anyone(request: pytest.FixtureRequest) -> Pianist:
    seed = request.param
    return Pianist(random_study(seed, 30.0), seed, Person.from_seed(seed))


def grid(pianist: Pianist, rate: float = 200.0) -> np.ndarray:
    return np.arange(0, pianist.period_s, 1 / rate)


def test_fingertips_are_on_their_keys_while_these_are_down(anyone: Pianist) -> None:
    strokes = anyone.plan.strokes
    own = np.flatnonzero(strokes.finger >= 0)
    assert len(own) > 40
    for part in (0.0, 0.5, 1.0):
        at = strokes.onset_s[own] + part * (strokes.release_s[own] - strokes.onset_s[own])
        order = np.argsort(at)
        note = own[order]
        tips = anyone.landmarks(at[order])[np.arange(len(note)), 4 + 4 * strokes.finger[note]]
        key = strokes.key[note]
        assert np.abs(tips[:, 0] - KEY_X_M[key]).max() < 0.002
        assert np.abs(tips[:, 2] - (KEY_TOP_M[key] - TRAVEL_M)).max() < 0.002


def test_bones_keep_their_length(anyone: Pianist) -> None:
    landmarks = anyone.landmarks(grid(anyone))
    for one, other in BONES:
        length = np.linalg.norm(landmarks[:, one] - landmarks[:, other], axis=1)
        assert np.ptp(length) < 1e-6
        assert 0.015 < length[0] < 0.12


def test_the_hand_neither_jumps_nor_flies(anyone: Pianist) -> None:
    landmarks = anyone.landmarks(np.arange(0, 2 * anyone.period_s, 1e-3))
    assert np.isfinite(landmarks).all()
    assert np.abs(np.diff(landmarks, axis=0)).max() < 0.005


def test_the_end_of_a_pass_runs_into_the_next_beginning(study: Pianist) -> None:
    seam = study.period_s + np.arange(-200, 200) * 1e-4
    assert np.abs(np.diff(study.landmarks(seam), axis=0)).max() < 1e-4
    assert np.abs(np.diff(study.activation(seam), axis=0)).max() < 0.01
    assert not study.key_depth(seam).any()


def test_every_pass_has_the_same_keys(study: Pianist) -> None:
    times = grid(study, 50.0)
    later = study.key_depth(times + 3 * study.period_s)
    assert study.key_depth(times) == pytest.approx(later, abs=1e-6)


def test_any_split_of_the_times_gives_the_same_bits(anyone: Pianist) -> None:
    times = np.arange(0, anyone.period_s + 3, 1 / 300)
    cuts = [1, 17, 500, 501, 3000]
    for signal in (anyone.landmarks, anyone.key_depth, anyone.activation):
        whole = signal(times)
        parts = [signal(part) for part in np.split(times, cuts)]
        assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("finger", range(FINGERS))
def test_muscles_work_most_for_their_own_finger(finger: int) -> None:
    lone = Score.of([Note(k * 0.8, 0.4, p, 110) for k, p in enumerate((60, 62, 64, 65, 67))])
    pianist = Pianist(lone)
    strokes = pianist.plan.strokes
    assert strokes.finger.tolist() == list(range(FINGERS))
    times = strokes.onset_s[finger] + np.arange(-0.1, 0.05, 0.005)
    rest = pianist.activation(np.array([0.0]))[0]
    rise = pianist.activation(times).max(axis=0) - rest
    for muscle, own in OWN.items():
        column = MUSCLES.index(muscle)
        if own == finger:
            assert rise[column] > 0.15
        else:
            best = strokes.onset_s[own] + np.arange(-0.1, 0.05, 0.005)
            assert rise[column] < pianist.activation(best)[:, column].max() - rest[column]


def test_spreading_works_the_muscles_at_both_edges_of_the_hand() -> None:
    narrow = Pianist(Score.of([Note(0.5, 1.0, 60, 60), Note(0.5, 1.0, 67, 60)]))
    wide = Pianist(Score.of([Note(0.5, 1.0, 60, 60), Note(0.5, 1.0, 72, 60)]))
    held = np.array([1.8])
    difference = wide.activation(held)[0] - narrow.activation(held)[0]
    assert difference[MUSCLES.index("ADM")] > 0.1
    assert difference[MUSCLES.index("PB")] > 0.05


def test_louder_notes_take_more_effort() -> None:
    peaks = [
        Pianist(Score.of([Note(0.5, 0.4, 62, velocity)])).activation(np.arange(0, 2, 0.01)).max()
        for velocity in (20, 60, 100, 127)
    ]
    assert peaks == sorted(peaks)
    assert peaks[-1] > 2 * peaks[0]


@pytest.mark.parametrize("delay_s", [0.03, 0.06])
def test_muscles_are_ahead_of_the_force_by_the_electromechanical_delay(delay_s: float) -> None:
    pianist = Pianist(five_finger_study(), person=Person(electromechanical_delay_s=delay_s))
    times = np.arange(0, pianist.period_s, 0.002)
    index = pianist.activation(times)[:, MUSCLES.index("1DI")]
    force = pianist.force(times)[:, 1]
    shifts = np.arange(0, 60)
    match = [np.corrcoef(np.roll(index, shift), force)[0, 1] for shift in shifts]
    assert shifts[int(np.argmax(match))] * 0.002 == pytest.approx(delay_s, abs=0.012)


def test_activation_is_a_fraction_of_the_maximum(anyone: Pianist) -> None:
    activation = anyone.activation(grid(anyone))
    assert activation.min() >= 0
    assert activation.max() <= 1
    assert activation.std(axis=0).min() > 0.02


def test_people_differ_and_follow_from_their_seed() -> None:
    assert Person.from_seed(3) == Person.from_seed(3)
    people = [Person.from_seed(seed) for seed in range(50)]
    assert len(set(people)) == 50
    assert all(0.030 <= one.electromechanical_delay_s <= 0.060 for one in people)
    assert all(0.9 <= one.hand_size <= 1.12 for one in people)


def test_a_score_without_a_playable_note_is_refused() -> None:
    with pytest.raises(ValueError, match="'too low' has no note"):
        Pianist(Score.of([Note(0, 1, 5, 64)], name="too low"))


def test_a_key_that_is_struck_again_at_once_moves_without_a_jump() -> None:
    pianist = Pianist(Score.of([Note(0.06 * k, 0.06, 64, 30) for k in range(8)]))
    depth = pianist.key_depth(np.arange(0, pianist.period_s, 1e-3))[:, 64 - 21]
    assert np.abs(np.diff(depth)).max() < 0.12
    assert ((depth[1:] >= 0.8) & (depth[:-1] < 0.8)).sum() == 8


def test_the_keyboard_reports_each_move_once_however_it_is_asked() -> None:
    score = Score.of([Note(0.3, 0.5, 60, 64), Note(0.3, 0.5, 40, 64)], [PedalMove(0.4, 64, 1.0)])
    pianist = Pianist(score)
    until = 3.5 * pianist.period_s
    whole = list(pianist.moves(0.0, until))
    edges = np.linspace(0.0, until, 778)
    parts = [m for a, b in itertools.pairwise(edges) for m in pianist.moves(a, b)]
    assert parts == whole
    on = whole[0].time_s
    assert whole[0] not in list(pianist.moves(0.0, on))
    assert whole[0] in list(pianist.moves(on, on + 1e-6))
    assert [m.time_s for m in whole] == sorted(m.time_s for m in whole)
    count = Counter(m.kind for m in whole)
    assert count[KeyEventKind.NOTE_ON] >= 2 * 3
    pedals = [m.value for m in whole if m.kind == KeyEventKind.PEDAL]
    assert pedals[:4] == [1.0, 0.0, 1.0, 0.0]


def test_in_real_music_the_hand_moves_no_faster_than_hands_do(real_scores: list[Score]) -> None:
    for score in real_scores[::3]:
        pianist = Pianist(score)
        wrist = pianist.landmarks(np.arange(0, pianist.period_s, 0.005))[:, 0]
        assert np.linalg.norm(np.diff(wrist, axis=0), axis=1).max() / 0.005 < 3.0


def test_in_real_music_every_note_sounds_once_and_none_hangs(real_scores: list[Score]) -> None:
    for score in real_scores[::3]:
        pianist = Pianist(score)
        moves = list(pianist.moves(0.0, pianist.period_s))
        struck = Counter(m.note for m in moves if m.kind == KeyEventKind.NOTE_ON)
        ended = Counter(m.note for m in moves if m.kind == KeyEventKind.NOTE_OFF)
        assert struck == Counter(note.pitch for note in score.notes)
        assert ended == struck
        depth = pianist.key_depth(np.arange(0, pianist.period_s, 0.02))
        assert depth.min() >= -1e-6
        assert depth.max() <= 1 + 1e-6
        assert not depth[-1].any()
        strokes = pianist.plan.strokes
        order = np.argsort(strokes.onset_s)
        at_onset = pianist.key_depth(strokes.onset_s[order])
        assert at_onset[np.arange(len(order)), strokes.key[order]] == pytest.approx(1.0, abs=1e-3)
