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

"""One foresight: the piece, the hands that play it, their muscles, and other ways to play it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.subjects import find_subject
from kpm_ros.learn.foresight.estimated import estimated_effort
from kpm_ros.learn.foresight.report import Alternative, Foreseen
from kpm_ros.models.trained import load
from kpm_ros.motion.foresight import HandEffort, Passage, by_bar, hardest
from kpm_ros.motion.generation import Performed, perform
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.foresee import LONGEST_S
from kpm_ros.operate.progress import progress
from kpm_ros.sense.midi.bars import read_bars
from kpm_ros.sense.midi.oddities import oddities
from kpm_ros.sense.midi.score import Score, read_voices
from kpm_ros.simulate.anatomy.statics import CHANNELS
from kpm_ros.simulate.bodies import check_anatomy
from kpm_ros.simulate.finger_habits import HABITS
from kpm_ros.simulate.fingering import HAND_OVER_KEYS, Manner
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.strokes import LEAD_S

ANATOMICAL = "anatomical model"
RATE_HZ = 100.0
"""Of the movement, and of the anatomical model's effort in tables."""
AROUND_S = 1.0
"""What is played before and after a passage, when another way to play it is tried."""
NOTES = (
    "Hands are generated from the score, and are nobody's: SIMULATED.",
    "The anatomical model is MyoHand: inverse dynamics, then static optimisation; keys push back "
    "by the notes' velocity. It answers for the muscles of one simulated adult's hands.",
    "The estimator was given what two cameras and the piano would tell, with a tracker's errors; a "
    "left hand as its mirror image.",
    "Bars follow the tempo and time signatures of the file: a free performance states none of its "
    "own.",
    "A bar's load is the sum over all muscles of squared activation, on average over its time.",
    "Another fingering: the hand stays over its keys as long as it can and the thumb never passes "
    "under, where it is otherwise led as pianists are taught.",
)


class Foreseeing:
    """What is asked for, and how far it has come."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Read the piece; what cannot be foreseen is refused."""
        self._asked = arguments
        check_anatomy()
        self._model = load(arguments.model or find_subject("hand").room_model)
        path = arguments.midi.expanduser()
        self._voices = _cut(read_voices(path), arguments)
        self.bars = read_bars(path)
        self._score = _together(self._voices)
        self.said = oddities(path, self._score)
        self._person = Person.from_seed(arguments.seed)

    def run(self) -> Foreseen:
        """Do all of it."""
        threshold = self._asked.threshold
        with progress("two hands learn the piece", 1) as bar:
            # The hands come from rest at the beginning of what is asked for.
            begin_s = self._asked.from_s
            played = self._perform([voice.later(-begin_s) for voice in self._voices])
            bar.advance()
        self.said += played.remarks
        motion = played.motion(RATE_HZ)
        self.motion = replace(motion, start_s=motion.start_s + begin_s)
        anatomical = _all_muscles(played, begin_s)
        with progress("estimating", self.motion.duration_s) as bar:
            estimated = estimated_effort(self._model, self.motion, self._score, bar.advance)
        passages = hardest(anatomical, self.bars, self._score, threshold, self._asked.passages)
        alternatives: list[Alternative] = []
        if self._asked.alternatives:
            with progress("trying other ways", len(passages)) as bar:
                for passage in passages:
                    alternatives += self._alternatives(passage)
                    bar.advance()
        efforts = [*anatomical, *estimated]
        return Foreseen(
            title=self._title(),
            bars=self.bars,
            threshold=threshold,
            anatomical=anatomical,
            estimated=estimated,
            table=[row for one in efforts for row in by_bar(one, self.bars, threshold)],
            passages=passages,
            alternatives=alternatives,
            said=self.said,
            notes=NOTES,
        )

    def _title(self) -> str:
        score = self._score
        span = f", {score.notes[0].onset_s:.0f} to {score.duration_s:.0f} s"
        return f"{score.name}{span}, {len(score.notes)} notes"

    def _perform(self, voices: Sequence[Score], manner: Manner = HABITS) -> Performed:
        return perform(voices, self._person, self._asked.seed, manner)

    def _alternatives(self, passage: Passage) -> Iterator[Alternative]:
        """Try another tempo and another fingering, for one passage, played alike otherwise."""
        begin_s, end_s = passage.start_s - AROUND_S, passage.end_s + AROUND_S
        # Its clock is its own, so that hands come from rest at its beginning.
        voices = [voice.later(-begin_s) for voice in _within(self._voices, begin_s, end_s)]
        span = (AROUND_S, AROUND_S + passage.end_s - passage.start_s)
        before = self._of_passage(voices, passage, span)
        tempo = self._asked.tempo / 100
        slower = [_stretched(voice, 1 / tempo) for voice in voices]
        after = self._of_passage(slower, passage, (span[0] / tempo, span[1] / tempo))
        yield _change(passage, f"At {self._asked.tempo:g} % of the tempo", before, after)
        after = self._of_passage(voices, passage, span, HAND_OVER_KEYS)
        yield _change(passage, "With another fingering", before, after)

    def _of_passage(
        self,
        voices: Sequence[Score],
        passage: Passage,
        span: tuple[float, float],
        manner: Manner = HABITS,
    ) -> HandEffort:
        efforts = _all_muscles(self._perform(voices, manner))
        return next(one for one in efforts if one.side == passage.side).within(*span)


def _all_muscles(played: Performed, begin_s: float = 0.0) -> list[HandEffort]:
    """What all muscles of both hands do, on the clock of a piece that they begin then."""
    hands = played.hands
    times_s = np.arange(int(hands.period_s * RATE_HZ)) / RATE_HZ
    return [
        HandEffort(
            side,
            ANATOMICAL,
            tuple(CHANNELS.get(name, name) for name in one.all_muscles),
            times_s - LEAD_S + begin_s,
            one.all_activation(times_s),
        )
        for side, one in ((RIGHT, hands.right), (LEFT, hands.left.seen))
    ]


def _change(passage: Passage, words: str, before: HandEffort, after: HandEffort) -> Alternative:
    places = [before.muscles.index(one.muscle) for one in passage.muscles]
    peaks = tuple(
        (before.muscles[k], float(before.effort[:, k].max()), float(after.effort[:, k].max()))
        for k in places
    )
    return Alternative(passage, words, after.load / before.load - 1.0, peaks)


def _stretched(score: Score, factor: float) -> Score:
    notes = (
        replace(note, onset_s=note.onset_s * factor, duration_s=note.duration_s * factor)
        for note in score.notes
    )
    pedals = (replace(move, time_s=move.time_s * factor) for move in score.pedals)
    return Score.of(notes, pedals, score.name)


def _together(voices: Sequence[Score]) -> Score:
    notes = [note for voice in voices for note in voice.notes]
    return Score.of(notes, voices[0].pedals, voices[0].name)


def _cut(voices: Sequence[Score], asked: argparse.Namespace) -> list[Score]:
    """Keep what is asked for of a piece; too much of it is refused."""
    whole = _together(voices)
    until_s = whole.duration_s if asked.until_s is None else min(asked.until_s, whole.duration_s)
    length_s = until_s - asked.from_s
    if length_s > LONGEST_S:
        hours = f"{length_s / 3600:.3g} h" if length_s > 3600 else f"{length_s / 60:.0f} min"
        raise UserError(
            f"{whole.name} lasts {hours}, but at most {LONGEST_S / 60:g} min are foreseen at once: "
            "choose them with --from and --until, in seconds"
        )
    kept = _within(voices, asked.from_s, until_s)
    if not kept:
        raise UserError(
            f"{whole.name} has no note from {asked.from_s:g} s on and before {until_s:g} s"
        )
    return kept


def _within(voices: Sequence[Score], from_s: float, until_s: float) -> list[Score]:
    """Keep what begins within a time; what is still down at its end is let go there."""
    kept = [
        Score.of(
            (
                replace(note, duration_s=min(note.duration_s, until_s - note.onset_s))
                for note in voice.notes
                if from_s <= note.onset_s < until_s
            ),
            (move for move in voice.pedals if from_s <= move.time_s < until_s),
            voice.name,
        )
        for voice in voices
    ]
    return [voice for voice in kept if voice.notes]
