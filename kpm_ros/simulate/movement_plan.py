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

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE, MIDDLE_C
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.crossing import Raised, Reach, frames_of, further_in, raised_over
from kpm_ros.simulate.fingering import HAND_OVER_KEYS, Fingering, Manner, assign
from kpm_ros.simulate.hand import FINGERS, HandModel
from kpm_ros.simulate.strokes import LEAD_S, Strokes, leave_in_time, score_strokes, share_keys
from kpm_ros.simulate.tracks import Track

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


@dataclass
class MovementPlan:
    """One pass through a score."""

    period_s: float
    strokes: Strokes
    palm: Track
    fingertips: list[FingerPlan]
    raised: Raised | None = None
    """How far up the hand is led to be over the other one; None: there is none to be over."""


@dataclass
class FingerPlan:
    """One finger's part: the key it is on or heads for, how much so, and how hard it pushes."""

    place: Track
    """Touched point of the key at rest."""
    inner: Track
    """The same of a hand that is over the other one."""
    contact: Track
    """1 = on the key, 0 = relaxed above the keys."""
    depth: Track
    """Depth of that key."""
    force: Track
    """On that key, upwards on the finger's tip, in newtons."""


def make_plan(
    score: Score,
    hand: HandModel,
    lowest: int = MIDDLE_C,
    idle: int = MIDDLE_C,
    period_s: float = 0.0,
    manner: Manner = HAND_OVER_KEYS,
    over: Reach | None = None,
) -> MovementPlan:
    """Plan one pass through a playable score, which takes `period_s` or longer.

    The hand takes notes from `lowest` up; with none to play it rests above the note `idle`. Where
    another hand is at the same keys, it is led `over` that one.
    """
    fingering = assign(score, hand, lowest, manner)
    strokes = score_strokes(score, fingering)
    arrive, depart = _stay(fingering, strokes)
    leave_in_time(fingering, strokes, depart)
    share_keys(strokes)
    end_s = max(LEAD_S + score.duration_s, float(strokes.end_s.max(initial=0.0)))
    period_s = max(end_s + TAIL_S, period_s)
    palm = _palm(fingering, hand, np.stack([arrive, depart], axis=1), period_s, idle)
    fingers = [_finger_plan(finger, strokes) for finger in range(FINGERS)]
    plan = MovementPlan(period_s, strokes, palm, fingers)
    if over is not None:
        plan.raised = _raised(plan, hand, over)
    return plan


def reach_of(plan: MovementPlan, hand: HandModel) -> Reach:
    """Say from where to where along the keys the hand is, all through the pass."""
    now = frames_of(plan.period_s)
    palm = plan.palm.at(now)
    tips = palm[:, :1] + hand.natural[:, 0]
    contact, places = _fingers_at(plan, now)
    tips = np.column_stack([palm[:, :1], tips + contact * (places[0, ..., 0] - tips)])
    return Reach(tips.min(axis=1), tips.max(axis=1))


def _raised(plan: MovementPlan, hand: HandModel, over: Reach) -> Raised:
    now = frames_of(plan.period_s)
    if len(now) != len(over.low_m):
        raise ValueError("the hand's pass ends at another time than that of the hand it is over")
    contact, places = _fingers_at(plan, now)
    mine = reach_of(plan, hand)
    return raised_over(over, mine, hand, plan.palm.at(now), places, contact)


def _fingers_at(
    plan: MovementPlan, now: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much each finger is on its key (n, fingers), and where, usually and inside."""
    contact = np.concatenate([one.contact.at(now) for one in plan.fingertips], axis=1)
    places = [
        np.stack([track.at(now) for track in tracks], axis=1)
        for tracks in zip(*((one.place, one.inner) for one in plan.fingertips), strict=True)
    ]
    return contact, np.stack(places)


def force_of(velocity: int) -> float:
    """Peak of the finger's force behind a MIDI velocity, in newtons."""
    return _SOFTEST_FORCE_N + (FULL_FORCE_N - _SOFTEST_FORCE_N) * float((velocity / 127) ** 1.5)


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
        nowhere = Track([0.0], np.zeros(3))
        return FingerPlan(nowhere, nowhere, nothing, nothing, nothing)
    own = own[np.argsort(strokes.onset_s[own], kind="stable")]
    press, end = strokes.press_s[own], strokes.end_s[own]
    stays = np.stack([press, end], axis=1).ravel()
    place, inner = (
        Track(stays, np.repeat(touch, 2, axis=0))
        for touch in (strokes.touch[own], further_in(strokes.touch[own], strokes.key[own]))
    )
    depth_times = [press, strokes.onset_s[own], strokes.release_s[own], end]
    down = np.ones(len(own))
    depths = [strokes.from_depth[own], down, down, strokes.to_depth[own]]
    depth = Track(np.stack(depth_times, axis=1).ravel(), np.stack(depths, axis=1).ravel())
    return FingerPlan(place, inner, _contact(press, end), depth, _force(strokes, own))


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
    """Put the forces of one finger's strokes in a row."""
    rows = zip(
        strokes.velocity[own],
        strokes.press_s[own],
        strokes.onset_s[own],
        strokes.release_s[own],
        strokes.end_s[own],
        strict=True,
    )
    times, values = zip(*(knot for row in rows for knot in force_knots(*row)), strict=True)
    return Track(times, values)


def force_knots(
    velocity: int, press_s: float, onset_s: float, release_s: float, end_s: float
) -> list[tuple[float, float]]:
    """Rise to the strike's force while the key goes down, ease off, and end with the key's rise.

    Give the instants between which a finger's force moves, each with newtons.
    """
    peak = force_of(int(velocity))
    part = min((release_s - onset_s) / _EASE_OFF_S, 1.0)
    held = max(_HELD_FORCE * peak, _KEY_WEIGHT_N)
    kept = peak + (held - peak) * part
    eased = [(onset_s + _EASE_OFF_S, kept)] if part >= 1.0 else []
    return [(press_s, 0.0), (onset_s, peak), *eased, (release_s, kept), (end_s, 0.0)]
