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

"""Pianists by the kind of body they have: with real anatomy, or plain and quick to make."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.settings import check_choice
from kpm_ros.core.sides import HANDS, RIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kpm_ros.sense.midi.score import Score
    from kpm_ros.simulate.person import Person
    from kpm_ros.simulate.pianist import Part, Performer, Pianist

BODIES = ("anatomical", "plain")
LONGEST_S = 3600.0
"""A piece is worked out whole, which takes gigabytes of memory an hour."""
ANATOMY = ("mujoco", "myo_sim", "numba")
"""Packages that bodies with real anatomy are made by."""


def make_pianist(
    score: Score,
    seed: int = 0,
    person: Person | None = None,
    body: str = "anatomical",
    remembered: Path | None = None,
    part: Part | None = None,
) -> Pianist:
    """Set a pianist at the piano, whose right hand is in sight.

    The anatomical one has MyoHand's bones and muscles and needs MuJoCo; what it has learnt of a
    score is kept in the folder `remembered`, if one is given, and is then there at once. The hand
    may be given another part of the score than it would take by itself.
    """
    if body not in BODIES:
        raise ValueError(f"there is no body {body!r}: it must be one of {', '.join(BODIES)}")
    check_length(score)
    from kpm_ros.simulate.person import Person
    from kpm_ros.simulate.pianist import WHOLE, Pianist

    someone = person or Person()
    if body == "plain":
        return Pianist(score, seed, someone, part=part or WHOLE)
    check_anatomy()
    from kpm_ros.simulate.anatomy.anatomical_pianist import anatomical_pianist

    return anatomical_pianist(score, seed, someone, remembered, part or WHOLE)


def check_length(score: Score) -> None:
    """Refuse a piece that is too long to be learnt."""
    if score.duration_s > LONGEST_S:
        raise ValueError(
            f"the piece {score.name!r} lasts {score.duration_s / 3600:.3g} h, but a pianist learns "
            f"only up to {LONGEST_S / 3600:g} h: cut it"
        )


def check_anatomy() -> None:
    """Refuse to make an anatomical body without the packages that it is made by."""
    if any(find_spec(package) is None for package in ANATOMY):
        raise ValueError(
            f"the anatomical body needs {' and '.join(ANATOMY)}: install kpm_ros[simulate], or "
            "choose the plain body"
        )


def make_performer(
    score: Score,
    seed: int = 0,
    person: Person | None = None,
    body: str = "anatomical",
    remembered: Path | None = None,
    hand: str = RIGHT,
    voices: Sequence[Score] = (),
) -> Performer:
    """Set a pianist at the piano whose right hand, left hand, or both are in sight.

    `voices` are those of the score's file: of two, each is one of both hands'.
    """
    from kpm_ros.simulate.left_hand import set_at_the_piano

    check_choice("hand", hand, HANDS)

    def make(music: Score, own_seed: int, part: Part) -> Pianist:
        return make_pianist(music, own_seed, person, body, remembered, part)

    return set_at_the_piano(score, seed, make, hand, voices)
