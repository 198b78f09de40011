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

"""A score turned into what the body must do: when keys move, where palm and fingertips go.

The plan covers one pass through the score, from rest to rest, and is repeated endlessly. A key's
press takes as long as its velocity says (`sense.midi.key_depth`) and ends at the note's onset,
as on a real piano, where the note sounds when the key has arrived; it is shortened to half the time
since the hand's last note. Its release takes 50 ms around the note's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE, MIDDLE_C, PIANO_KEYS
from kpm_ros.sense.midi.key_depth import RELEASE_S, press_time_s
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.fingering import Fingering, assign
from kpm_ros.simulate.hand import FINGERS, HandModel
from kpm_ros.simulate.keyboard import KEY_X_M
from kpm_ros.simulate.tracks import Track

LEAD_S = 0.5
"""Rest before the first note of every pass."""
TAIL_S = 0.8
"""Rest after the last one."""
FULL_FORCE_N = 20.0
"""Most that a finger pushes: its peak on the key of a note of MIDI velocity 127."""
_SOFTEST_FORCE_N = 1.2
"""The same as velocity goes to 0: a little more than twice what it takes to move a key slowly."""
_KEY_WEIGHT_N = 0.5
"""What keeps a key down."""
_HELD_FORCE = 0.3
"""Force on a key that is kept down, relative to that of its strike."""
_EASE_OFF_S = 0.07
"""How soon after the onset that force is reached."""
_APPROACH_S = 0.09
"""How long a finger takes from its relaxed place to a key, and back."""
_REPEAT_RELEASE_S = 0.03
"""How fast a key comes up when it is to be struck again at once."""
_TWICE_S = 0.03
_HOP_M_PER_S = 1.0
"""How fast one finger goes from key to key when it must play both."""


@dataclass
class Strokes:
    """Every note's key on its way down and up again; one row a note, times within one pass."""

    key: NDArray[np.int64]
    velocity: NDArray[np.int64]
    finger: NDArray[np.int64]
    touch: NDArray[np.float64]
    """(notes, 3): where the finger touches the key at rest."""
    press_s: NDArray[np.float64]
    """Key begins to go down."""
    onset_s: NDArray[np.float64]
    """Key is down, note sounds."""
    release_s: NDArray[np.float64]
    """Key begins to come up."""
    end_s: NDArray[np.float64]
    """Key is up, or is pressed again."""
    from_depth: NDArray[np.float64]
    to_depth: NDArray[np.float64]

    @property
    def off_s(self) -> NDArray[np.float64]:
        """When the note stops sounding: half-way up."""
        return (self.release_s + self.end_s) / 2


@dataclass
class MovementPlan:
    """One pass through a score."""

    period_s: float
    strokes: Strokes
    palm: Track
    fingertips: list[FingerPlan]


@dataclass
class FingerPlan:
    """One finger's part: the key it is on or heads for, how much so, and how hard it pushes."""

    place: Track
    """Touched point of the key at rest."""
    contact: Track
    """1 = on the key, 0 = relaxed above the keys."""
    depth: Track
    """Depth of that key."""
    force: Track
    """On that key, upwards on the finger's tip, in newtons."""


def playable(score: Score) -> Score:
    """Leave out what no piano can do: keys it lacks, a key struck twice within 30 ms."""
    newest: dict[int, float] = {}
    notes = []
    for note in score.notes:
        on_piano = FIRST_NOTE <= note.pitch < FIRST_NOTE + PIANO_KEYS
        if on_piano and note.onset_s - newest.get(note.pitch, -np.inf) >= _TWICE_S:
            newest[note.pitch] = note.onset_s
            notes.append(note)
    return Score(tuple(notes), score.pedals, score.duration_s, score.name)


def make_plan(
    score: Score,
    hand: HandModel,
    lowest: int = MIDDLE_C,
    idle: int = MIDDLE_C,
    period_s: float = 0.0,
) -> MovementPlan:
    """Plan one pass through a playable score, which takes `period_s` or longer.

    The hand takes notes from `lowest` up; with none to play it rests above the note `idle`.
    """
    fingering = assign(score, hand, lowest)
    strokes = _strokes(score, fingering)
    arrive, depart = _stay(fingering, strokes)
    _leave_in_time(fingering, strokes, depart)
    _share_keys(strokes)
    end_s = max(LEAD_S + score.duration_s, float(strokes.end_s.max(initial=0.0)))
    period_s = max(end_s + TAIL_S, period_s)
    palm = _palm(fingering, hand, np.stack([arrive, depart], axis=1), period_s, idle)
    fingers = [_finger_plan(finger, strokes) for finger in range(FINGERS)]
    return MovementPlan(period_s, strokes, palm, fingers)


def force_of(velocity: int) -> float:
    """Peak of the finger's force behind a MIDI velocity, in newtons."""
    return _SOFTEST_FORCE_N + (FULL_FORCE_N - _SOFTEST_FORCE_N) * float((velocity / 127) ** 1.5)


def _strokes(score: Score, fingering: Fingering) -> Strokes:
    """Strokes as the score has them, before hands and keys get in each other's way."""
    onset = LEAD_S + np.array([note.onset_s for note in score.notes])
    off = LEAD_S + np.array([note.end_s for note in score.notes])
    velocity = np.array([note.velocity for note in score.notes], dtype=np.int64)
    press = np.array([press_time_s(int(v)) for v in velocity])
    last = -np.inf
    for grip in fingering.grips:
        press[grip.struck] = np.minimum(press[grip.struck], 0.5 * (grip.time_s - last))
        last = grip.last_onset_s
    release = np.maximum(off - RELEASE_S / 2, onset + np.minimum(0.02, (off - onset) / 2))
    return Strokes(
        key=np.array([note.pitch - FIRST_NOTE for note in score.notes], dtype=np.int64),
        velocity=velocity,
        finger=fingering.finger,
        touch=fingering.touch,
        press_s=onset - press,
        onset_s=onset,
        release_s=release,
        end_s=release + RELEASE_S,
        from_depth=np.zeros(len(onset)),
        to_depth=np.zeros(len(onset)),
    )


def _stay(
    fingering: Fingering, strokes: Strokes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the palm has arrived at each grip and when it leaves."""
    grips = fingering.grips
    arrive = np.array([strokes.press_s[grip.struck].min() for grip in grips])
    last = np.array([LEAD_S + grip.last_onset_s for grip in grips])
    depart = last + 0.3
    for k in range(len(grips) - 1):
        distance = float(np.linalg.norm(grips[k + 1].palm - grips[k].palm))
        earliest = last[k] + 0.2 * (arrive[k + 1] - last[k])
        depart[k] = max(earliest, arrive[k + 1] - 0.08 - distance)
    if grips:
        depart[-1] = max(depart[-1], strokes.end_s[strokes.finger >= 0].max())
    return arrive, depart


def _leave_in_time(fingering: Fingering, strokes: Strokes, depart: NDArray[np.float64]) -> None:
    """Let go of notes when their finger is wanted elsewhere or the hand leaves."""
    next_use: dict[int, int] = {}
    for note in np.argsort(-strokes.onset_s, kind="stable"):
        finger = strokes.finger[note]
        if finger < 0:
            continue
        latest = _free_by(strokes, note, next_use.get(finger))
        next_use[finger] = note
        grip = fingering.last_grip[note]
        if grip < len(fingering.grips) - 1:
            following = LEAD_S + fingering.grips[grip + 1].time_s
            latest = min(latest, following if fingering.within_reach[note] else depart[grip])
        _end_by(strokes, note, latest, RELEASE_S)


def _free_by(strokes: Strokes, note: int, following: int | None) -> float:
    """When a finger must have left its key to be in time for its next one."""
    if following is None:
        return np.inf
    press_s = float(strokes.press_s[following])
    distance = abs(KEY_X_M[strokes.key[note]] - KEY_X_M[strokes.key[following]])
    if distance == 0:
        return np.inf  # `_share_keys` sees to that
    hop_s = 0.02 + distance / _HOP_M_PER_S
    return press_s - min(hop_s, 0.6 * (press_s - float(strokes.onset_s[note])))


def _end_by(strokes: Strokes, note: int, latest_s: float, release_s: float) -> None:
    """Have a key's way up over by some instant; what is short of time becomes faster."""
    if strokes.end_s[note] <= latest_s:
        return
    onset = strokes.onset_s[note]
    strokes.end_s[note] = latest_s
    earliest = onset + 0.2 * (latest_s - onset)
    strokes.release_s[note] = min(strokes.release_s[note], max(earliest, latest_s - release_s))


def _share_keys(strokes: Strokes) -> None:
    """Let a key that is struck again come up as far as there is time for."""
    for key in np.unique(strokes.key):
        same = np.flatnonzero(strokes.key == key)
        for before, after in pairwise(same):
            half = (strokes.onset_s[before] + strokes.onset_s[after]) / 2
            strokes.press_s[after] = max(strokes.press_s[after], half)
            if strokes.end_s[before] > strokes.press_s[after]:
                _end_by(strokes, before, strokes.press_s[after], _REPEAT_RELEASE_S)
                up = strokes.end_s[before] - strokes.release_s[before]
                depth = float(np.clip(1 - up / _REPEAT_RELEASE_S, 0.0, 0.5))
                strokes.to_depth[before] = strokes.from_depth[after] = depth


def _palm(
    fingering: Fingering,
    hand: HandModel,
    stay_s: NDArray[np.float64],
    period_s: float,
    idle: int,
) -> Track:
    """Rest the palm at each grip, and bring it back to the first one when the pass ends."""
    if not fingering.grips:
        above = np.array([KEY_X_M[idle - FIRST_NOTE], 0.0, 0.0]) - hand.natural[2]
        return Track([0.0], above)
    places = np.array([grip.palm for grip in fingering.grips])
    values = np.repeat(places, 2, axis=0)
    return Track(
        np.concatenate([[0.0], stay_s.ravel(), [period_s]]),
        np.concatenate([places[:1], values, places[:1]]),
    )


def _finger_plan(finger: int, strokes: Strokes) -> FingerPlan:
    """Where one finger goes and how hard it pushes."""
    own = np.flatnonzero(strokes.finger == finger)
    if not len(own):
        nothing = Track([0.0], [0.0])
        return FingerPlan(Track([0.0], np.zeros(3)), nothing, nothing, nothing)
    own = own[np.argsort(strokes.onset_s[own], kind="stable")]
    press, end = strokes.press_s[own], strokes.end_s[own]
    place = Track(np.stack([press, end], axis=1).ravel(), np.repeat(strokes.touch[own], 2, axis=0))
    depth_times = [press, strokes.onset_s[own], strokes.release_s[own], end]
    down = np.ones(len(own))
    depths = [strokes.from_depth[own], down, down, strokes.to_depth[own]]
    depth = Track(np.stack(depth_times, axis=1).ravel(), np.stack(depths, axis=1).ravel())
    return FingerPlan(place, _contact(press, end), depth, _force(strokes, own))


def _contact(press_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> Track:
    """Down to the key before each press and away after it, half-way only where time is short."""
    knots = [(press_s[0] - _APPROACH_S, 0.0)]
    for k, (press, end) in enumerate(zip(press_s, end_s, strict=True)):
        knots += [(press, 1.0), (end, 1.0)]
        gap = press_s[k + 1] - end if k + 1 < len(press_s) else np.inf
        if gap >= 2 * _APPROACH_S:
            knots.append((end + _APPROACH_S, 0.0))
            if np.isfinite(gap):
                knots.append((press_s[k + 1] - _APPROACH_S, 0.0))
        else:
            knots.append((end + gap / 2, 1.0 - gap / (2 * _APPROACH_S)))
    times, values = zip(*knots, strict=True)
    return Track(times, values)


def _force(strokes: Strokes, own: NDArray[np.int64]) -> Track:
    """Rise to the strike's force while the key goes down, ease off, and end with the key's rise."""
    knots = []
    for note in own:
        peak = force_of(int(strokes.velocity[note]))
        onset, release = strokes.onset_s[note], strokes.release_s[note]
        part = min((release - onset) / _EASE_OFF_S, 1.0)
        held = max(_HELD_FORCE * peak, _KEY_WEIGHT_N)
        kept = peak + (held - peak) * part
        knots += [(strokes.press_s[note], 0.0), (onset, peak)]
        if part >= 1.0:
            knots.append((onset + _EASE_OFF_S, kept))
        knots += [(release, kept), (strokes.end_s[note], 0.0)]
    times, values = zip(*knots, strict=True)
    return Track(times, values)
