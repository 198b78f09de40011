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

"""What the authors of Muscles in Action published: muscles and exercises, in their words."""

from __future__ import annotations

MUSCLES = ("LQuad", "LHam", "LLat", "LBicep", "RQuad", "RHam", "RLat", "RBicep")
"""In the order of the published channels: quadriceps, hamstrings, latissimus dorsi, biceps."""

EXERCISES = (
    "ElbowPunch",
    "FrontKick",
    "FrontPunch",
    "HighKick",
    "HookPunch",
    "JumpingJack",
    "KneeKick",
    "LegBack",
    "LegCross",
    "RonddeJambe",
    "Running",
    "Shuffle",
    "SideLunges",
    "SlowSkater",
    "Squat",
)
"""Of the released data."""
