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

"""Movements of a simulated exerciser, told as data."""

from __future__ import annotations

from kpm_ros.models.mia.published import EXERCISES
from kpm_ros.simulate.exerciser.movements.exercise import Exercise
from kpm_ros.simulate.exerciser.movements.jumps import JUMPS
from kpm_ros.simulate.exerciser.movements.kicks import KICKS
from kpm_ros.simulate.exerciser.movements.punches import PUNCHES
from kpm_ros.simulate.exerciser.movements.steps import STEPS

_ALL = {each.name: each for each in (*KICKS, *PUNCHES, *STEPS, *JUMPS)}

RELEASED = tuple(_ALL[name] for name in EXERCISES)
"""Those of the released data."""
EARLIER = tuple(each for name, each in sorted(_ALL.items()) if name not in EXERCISES)
"""Further ones of the paper's first version."""
ALL = (*RELEASED, *EARLIER)


def find_exercise(name: str) -> Exercise:
    """Find one by its name; others are refused."""
    if name not in _ALL:
        raise ValueError(
            f"there is no exercise {name!r}: there are {', '.join(each.name for each in ALL)}"
        )
    return _ALL[name]
