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

"""What the networks of Muscles in Action are given and give, as they were published."""

from __future__ import annotations

from functools import lru_cache

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.stream_kinds import IMAGE, METRIC
from kpm_ros.core.streams import Channels, Landmarks

RATE_HZ = 10
WINDOW = 30
"""Samples of a window: 3 s."""
COUNTS = "counts of the sensor"
"""The unit of its EMG."""
MUSCLES = ("LQuad", "LHam", "LLat", "LBicep", "RQuad", "RHam", "RLat", "RBicep")
"""Of the data of 2023, in the order of the channels."""
FIRST_MUSCLES = ("RQuad", "RHam", "RBicep", "RTricep", "LQuad", "LHam", "LBicep", "LTricep")
"""Of the first version, in the order in which its code hands them to the network."""
EXERCISES = (
    *("ElbowPunch", "FrontKick", "FrontPunch", "HighKick", "HookPunch", "JumpingJack"),
    *("KneeKick", "LegBack", "LegCross", "RonddeJambe", "Running", "Shuffle", "SideLunges"),
    *("SlowSkater", "Squat"),
)
"""Of the data of 2023."""

PERSON = "person"
CONDITION = "condition"
NO_CONDITION = 0.1
"""What stands for nobody in particular; it is the tenth person's, too."""


@lru_cache(maxsize=2)
def joints(dimensions: int) -> Landmarks:
    """Describe the published joints: in metres, or as fractions of the picture."""
    return Landmarks(
        f"joints{dimensions}d",
        find_skeleton("openpose-body25"),
        dimensions,
        METRIC if dimensions == 3 else IMAGE,
        rate_hz=float(RATE_HZ),
    )


PERSONS = Channels(PERSON, (CONDITION,), "1", float(RATE_HZ))
"""Whom the network is told it sees: one number, 1 to 0.1 for the ten persons of 2023."""


def condition_of(number: int) -> float | None:
    """Give the number by which one of the ten persons is told; None for anybody else.

    >>> condition_of(0), condition_of(9), condition_of(10)
    (1.0, 0.1, None)
    """
    return round(1.0 - number / 10, 1) if 0 <= number < 10 else None
