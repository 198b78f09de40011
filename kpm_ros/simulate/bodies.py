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

if TYPE_CHECKING:
    from kpm_ros.sense.midi.score import Score
    from kpm_ros.simulate.person import Person
    from kpm_ros.simulate.pianist import Pianist

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
) -> Pianist:
    """Set a pianist at the piano.

    The anatomical one has MyoHand's bones and muscles and needs MuJoCo; what it has learnt of a
    score is kept in the folder `remembered`, if one is given, and is then there at once.
    """
    if body not in BODIES:
        raise ValueError(f"there is no body {body!r}: it must be one of {', '.join(BODIES)}")
    if score.duration_s > LONGEST_S:
        raise ValueError(
            f"the piece {score.name!r} lasts {score.duration_s / 3600:.3g} h, but a pianist learns "
            f"only up to {LONGEST_S / 3600:g} h: cut it"
        )
    from kpm_ros.simulate.person import Person

    someone = person or Person()
    if body == "plain":
        from kpm_ros.simulate.pianist import Pianist

        return Pianist(score, seed, someone)
    if any(find_spec(package) is None for package in ANATOMY):
        raise ValueError(
            f"the anatomical body needs {' and '.join(ANATOMY)}: install kpm_ros[simulate], or "
            "choose the plain body"
        )
    from kpm_ros.simulate.anatomy.anatomical_pianist import anatomical_pianist

    return anatomical_pianist(score, seed, someone, remembered)
