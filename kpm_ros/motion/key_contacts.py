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

"""Which finger of a moving hand plays which note, and how hard the keys push back.

A movement that was made from notes tells the finger of each. Of any other a note says that some
fingertip is on its key; it is the one that is nearest to it. How hard it pushes follows from the
note's velocity by the simulated pianist's rule: SIMULATED, never measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.keyboard import (
    BLACK_FRONT_M,
    BLACK_TOP_WIDTH_M,
    IS_BLACK,
    KEY_TOP_M,
    KEY_X_M,
    TRAVEL_M,
    WHITE_LENGTH_M,
    WHITE_WIDTH_M,
)
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.motion.note_fingers import Contact, fingers_of_motion
from kpm_ros.sense.midi.key_depth import RELEASE_S, press_time_s
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.hand import FINGER_POINTS, FINGERS
from kpm_ros.simulate.movement_plan import force_knots
from kpm_ros.simulate.strokes import playable
from kpm_ros.simulate.tracks import Track

Array = NDArray[np.float64]

TIPS = [points[-1] for points in FINGER_POINTS]
TOGETHER_S = 0.04
"""Notes that begin within this time are struck together, each by a finger of its own."""
FARTHEST_M = 0.03
"""A fingertip further from a key that is down than this does not press it."""


def contacts_of(motion: HandMotion, score: Score) -> list[Contact]:
    """Find the finger of each note that begins while the hands are known, in order of time."""
    notes = playable(score)
    at = [round((note.onset_s - motion.start_s) * motion.rate_hz) for note in notes.notes]
    within = [
        one
        for one, frame in zip(fingers_of_motion(motion, notes), at, strict=True)
        if 0 <= frame < len(motion)
    ]
    # Of a hand that tells its fingers, those are all that it plays.
    sides = [
        side
        for side, hand in motion.hands.items()
        if hand.landmarks is not None and hand.fingers is None
    ]
    unknown = [one.note for one in within if not one.side]
    nearest = {one.note: one for one in _nearest(motion, sides, unknown)} if sides else {}
    return [nearest.get(one.note, one) for one in within]


def _nearest(motion: HandMotion, sides: Sequence[str], notes: Sequence[Note]) -> Iterator[Contact]:
    """Give each note the fingertip that is on its key when it begins, if one is."""
    for together in _struck_together(notes):
        at = round((together[-1].onset_s - motion.start_s) * motion.rate_hz)
        tips = np.concatenate([_tips(motion, side, min(at, len(motion) - 1)) for side in sides])
        away = np.array([_distance(tips, note.pitch - FIRST_NOTE) for note in together])
        # Who is too far is dearer than any finger that is not.
        rows, fingers = linear_sum_assignment(np.minimum(away, 2 * FARTHEST_M))
        for place, finger in zip(rows.tolist(), fingers.tolist(), strict=True):
            if away[place, finger] <= FARTHEST_M:
                yield Contact(together[place], sides[finger // FINGERS], finger % FINGERS)


def forces_of(motion: HandMotion, contacts: Sequence[Contact]) -> Mapping[str, Array]:
    """Each finger's force on its key, of each hand: (frames, fingers) in newtons."""
    times_s = motion.times_s
    forces = {side: np.zeros((len(motion), FINGERS)) for side in motion.hands}
    for side, force in forces.items():
        for finger in range(FINGERS):
            own = [one.note for one in contacts if (one.side, one.finger) == (side, finger)]
            if own:
                force[:, finger] = _force_track(own).at(times_s)[:, 0]
    return forces


def _struck_together(notes: Sequence[Note]) -> list[list[Note]]:
    groups: list[list[Note]] = []
    for note in notes:
        if groups and note.onset_s - groups[-1][0].onset_s <= TOGETHER_S:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _tips(motion: HandMotion, side: str, at: int) -> Array:
    """Fingertips (fingers, 3) in a frame; not numbers where the hand is not seen."""
    hand = motion.hands[side]
    assert hand.landmarks is not None
    if not hand.visible[at]:
        return np.full((FINGERS, 3), np.nan)
    return hand.landmarks[at, TIPS].astype(np.float64)


def _distance(tips: Array, key: int) -> Array:
    """How far fingertips (n, 3) are from a key's top while it is down: (n,)."""
    black = bool(IS_BLACK[key])
    half = (BLACK_TOP_WIDTH_M if black else WHITE_WIDTH_M) / 2
    aside = np.maximum(np.abs(tips[:, 0] - KEY_X_M[key]) - half, 0.0)
    front = BLACK_FRONT_M if black else 0.0
    along = np.maximum(np.maximum(front - tips[:, 1], tips[:, 1] - WHITE_LENGTH_M), 0.0)
    above = np.abs(tips[:, 2] - (KEY_TOP_M[key] - TRAVEL_M))
    return np.nan_to_num(np.sqrt(aside**2 + along**2 + above**2), nan=np.inf)


def _force_track(notes: Sequence[Note]) -> Track:
    """One finger's force: a note is let go, at the latest, when the finger's next one begins."""
    knots: list[tuple[float, float]] = []
    for place, note in enumerate(notes):
        press_s = note.onset_s - press_time_s(note.velocity)
        if knots:
            press_s = max(press_s, knots[-1][0])
        end_s = note.end_s + RELEASE_S / 2
        if place + 1 < len(notes):
            following = notes[place + 1]
            free_s = following.onset_s - press_time_s(following.velocity)
            end_s = min(end_s, max(free_s, (note.onset_s + following.onset_s) / 2))
        release_s = max(end_s - RELEASE_S, (note.onset_s + end_s) / 2)
        knots += force_knots(note.velocity, press_s, note.onset_s, release_s, end_s)
    times, values = zip(*knots, strict=True)
    return Track(times, values)
