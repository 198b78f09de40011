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

"""A routine: several exercises one after another, endlessly repeated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.movements import find_exercise
from kpm_ros.simulate.exerciser.movements.repetitions import CHANNELS
from kpm_ros.simulate.exerciser.movements.timeline import PLACED, Timeline, make_timeline
from kpm_ros.simulate.exerciser.packaged_body import SIDES

Array = NDArray[np.float64]

USUAL = ("Squat", "FrontPunch", "KneeKick", "SideLunges", "LegBack", "ElbowPunch")
EACH_S = 10.0
"""How long each exercise lasts."""
_CHANGE_S = 2.0
"""From one exercise's posture to the next one's."""
_STEPS_S = {"l": (0.45, 0.80), "r": (1.20, 1.55)}
"""When each foot is set where the next exercise wants it."""
_STEP_UP = 0.03
"""How high, in legs."""
_SHIFT_S = 0.3


def routine(
    exercises: Sequence[str], person: ExercisingPerson, seed: int, rate_hz: float, each_s: float
) -> Timeline:
    """Put exercises together, the last one leading back to the first."""
    if not exercises:
        raise ValueError("a routine needs an exercise")
    parts = [
        make_timeline(find_exercise(name), person, seed + number, each_s, rate_hz)
        for number, name in enumerate(exercises)
    ]
    channels: dict[str, list[Array]] = {name: [] for name in CHANNELS}
    flights, repetitions, shifts = [], [], []
    now = 0.0
    for number, part in enumerate(parts):
        change = _change(part, parts[(number + 1) % len(parts)], rate_hz)
        for name in CHANNELS:
            channels[name] += [part.channels[name], change[name]]
        flights += [(up + now, down + now) for up, down in part.flights]
        repetitions += [
            each._replace(start_s=each.start_s + now, end_s=each.end_s + now)
            for each in part.repetitions
        ]
        shifts += [part.shift_s, np.full(len(change["weight"]), _SHIFT_S)]
        now += (len(part.channels["weight"]) + len(change["weight"])) / rate_hz
    return Timeline(
        rate_hz,
        {name: np.concatenate(values) for name, values in channels.items()},
        tuple(flights),
        tuple(repetitions),
        np.concatenate(shifts),
    )


def _change(before: Timeline, after: Timeline, rate_hz: float) -> dict[str, Array]:
    """Go over from the last posture of one exercise to the first of another, foot after foot."""
    times = np.arange(round(_CHANGE_S * rate_hz)) / rate_hz
    change = {}
    for name in CHANNELS:
        side, _, plain = name.partition("_")
        begin, end = (0.0, _CHANGE_S)
        if side in SIDES and plain in PLACED:
            begin, end = _STEPS_S[side]
        part = minimum_jerk((times - begin) / (end - begin))
        start, stop = before.channels[name][-1], after.channels[name][0]
        change[name] = start + (stop - start) * part
    for side, (begin, end) in _STEPS_S.items():
        part = np.clip((times - begin) / (end - begin), 0.0, 1.0)
        # Smooth up to its second derivative at both ends.
        change[f"{side}_lift"] = _STEP_UP * 64.0 * (part * (1.0 - part)) ** 3
    return change
