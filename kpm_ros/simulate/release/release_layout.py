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

"""The published layout of a data set on disk: folders, names, rates and split files."""

from __future__ import annotations

import re
from typing import NamedTuple

POSE_FOLDER = "hand_data/keyp_{view}"
KEYS_FOLDER = "keystroke_data"
EFFORT_FOLDER = "emg_data"
SUFFIX = ".pkl"

FRAME_RATE_HZ = 60
SAMPLE_RATE_HZ = 1024
"""Of keys and EMG: sample i is at i / `SAMPLE_RATE_HZ`, pose frame j at j / `FRAME_RATE_HZ`."""

ARCHITECTURAL = "dataset_architectural.json"
HELD_OUT = "dataset_held_out.json"
SPLITS = ("train", "val", "test", "test_cross_user", "test_cross_task")

SIMULATED_FOLDER = "simulated"
MANIFEST = f"{SIMULATED_FOLDER}/dataset.json"
CAMERAS = f"{SIMULATED_FOLDER}/cameras.json"
TRUTH_FOLDER = f"{SIMULATED_FOLDER}/truth"
CHECKS_FOLDER = f"{SIMULATED_FOLDER}/checks"

_NAME = re.compile(r"t(\d{1,6})_p(\d{1,6})_([\w.-]+)", re.IGNORECASE | re.ASCII)


class PerformanceName(NamedTuple):
    """What a performance's name says of it."""

    task: int
    pianist: int
    take: str

    def __str__(self) -> str:
        """Give the name as files have it, without their ending."""
        return f"t{self.task}_p{self.pianist}_{self.take}"


def parse_name(name: str) -> PerformanceName:
    """Read a performance's name; a ValueError says what it should look like."""
    found = _NAME.fullmatch(name)
    if not found or not found[3].strip("."):
        raise ValueError(
            f"{name!r} is no performance's name: those are t<task>_p<pianist>_<take>, "
            "such as t1_p20_3"
        )
    return PerformanceName(int(found[1]), int(found[2]), found[3])
