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

"""How an exercise is told: key postures of one repetition, as a table of named channels.

A repetition has an active side (`a_`) and another (`o_`). Angles are degrees and lengths are in
legs (of hip to ankle), so that a table reads like an instruction; a channel that is not named stays
as it was. Person, side and manner are put in later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BODY = ("height", "tilt", "list", "turn", "lean", "bend", "twist", "weight", "heading")
"""Pelvis up; tilted forward; its active side up; turned to the other side; trunk bent forward; bent
and twisted to the other side; how much of the weight is on the active leg, 0..1; and the whole
body turned to the active side, on the foot that stands."""
LEG = ("step", "out", "toe", "lift", "heel", "air", "hip", "abduct", "rotate", "knee", "ankle")
"""Foot forward, outwards, toes outwards, up; heel up; and, as `air` goes from 0 to 1, the leg is
led by its joints' angles instead: hip flexed, abducted, turned in, knee flexed, foot drawn up."""
ARM = ("flex", "side", "spin", "elbow", "pronate")
"""Upper arm forward and to the side, which add up as a turn about one axis; turned in about itself;
elbow bent; palm turned down."""

SIGNED = frozenset({"list", "turn", "bend", "twist", "heading"})
"""Channels of the body that change their sign with the active side."""
UNSCALED = frozenset({"weight", "air", "toe", "heading"})
"""Channels that are the same however deep a movement is."""

STANDING: Mapping[str, float] = {
    "weight": 0.5,
    **{f"{side}_{name}": value for side in "ao" for name, value in (("out", 0.02), ("toe", 0.0))},
    **{
        f"{side}_{name}": value
        for side in "ao"
        for name, value in (("flex", 4.0), ("side", 14.0), ("elbow", 18.0), ("pronate", 20.0))
    },
}
"""Upright, arms hanging."""
GUARD: Mapping[str, float] = {
    **STANDING,
    "height": -0.02,
    "lean": 6.0,
    **{
        f"{side}_{name}": value
        for side in "ao"
        for name, value in (
            ("flex", 38.0),
            ("side", 24.0),
            ("spin", 22.0),
            ("elbow", 112.0),
            ("pronate", 45.0),
            ("out", 0.06),
        )
    },
}
"""Fists before the chest."""
HANDS_ON_HIPS: Mapping[str, float] = {
    **STANDING,
    **{
        f"{side}_{name}": value
        for side in "ao"
        for name, value in (("flex", -18.0), ("side", 42.0), ("spin", 38.0), ("elbow", 98.0))
    },
}


@dataclass(frozen=True)
class Key:
    """A posture at a part of a repetition."""

    at: float
    """0 at its beginning, 1 at its end."""
    values: Mapping[str, float]


def key(at: float, **values: float) -> Key:
    """Tell a posture."""
    return Key(at, values)


def both(**values: float) -> dict[str, float]:
    """Tell the same of both sides."""
    return {f"{side}_{name}": value for name, value in values.items() for side in "ao"}


@dataclass(frozen=True)
class Exercise:
    """One exercise; a repetition begins and ends in its base posture, unless it flows."""

    name: str
    period_s: tuple[float, float]
    """How long a repetition takes, from fast to slow."""
    keys: tuple[Key, ...]
    base: Mapping[str, float] = field(default_factory=lambda: STANDING)
    flights: tuple[tuple[float, float], ...] = ()
    """Parts of a repetition in which no foot is on the floor."""
    one_sided: bool = True
    """Whether it may be done with one side all the time, rather than with each in turn."""
    flows: bool = False
    """Whether a repetition passes into the next one without coming to the base posture."""
    pause_s: tuple[float, float] = (0.0, 0.5)
    shift_s: float = 0.30
    """How long the weight takes to leave a foot that will be lifted."""
    smooth_s: float = 0.045
    """Standard deviation in time by which corners are rounded."""
    repetitions: tuple[int, int] = (4, 9)
    """Before a rest."""

    def __post_init__(self) -> None:
        """Refuse channels that nothing reads."""
        known = {*BODY, *(f"{side}_{name}" for side in "ao" for name in (*LEG, *ARM))}
        for values in (self.base, *(each.values for each in self.keys)):
            unknown = sorted(set(values) - known)
            if unknown:
                raise ValueError(f"{self.name}: there is no channel {unknown[0]!r}")
