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

"""Parameters of the node that plays a movement of hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import setting


@dataclass(frozen=True)
class MotionPlayerSettings:
    """A movement of hands, recorded or generated, as cameras, keys, joints and markers."""

    FIXED: ClassVar[str] = "the movement is opened with it"

    motion: str = setting("", "the movement: a file that `kpm generate` or `kpm annotate` wrote")
    midi: str = setting("", "notes that are played with it: a .mid file; empty = none")
    midi_offset_s: float = setting(
        0.0, "when the MIDI file begins, on the movement's clock", least=-1e6, most=1e6
    )
    rate: float = setting(1.0, "how fast it is played", least=0.01, most=10.0)
    start_s: float = setting(0.0, "how far into the movement to begin", least=0.0, most=1e6)
    loop: bool = setting(False, "whether it begins again at its end")
    wait_s: float = setting(10.0, "longest wait for a pipeline that listens", least=0.0, most=600.0)
    registration: str = setting(
        "", "where the cameras stand that see it: a file of `kpm calibrate`; empty = simulated ones"
    )
    joint_rate_hz: float = setting(
        100.0, "how often joints and markers are published", least=1.0, most=1000.0
    )
    period_s: float = setting(0.002, "how often messages are sent", least=0.0005, most=0.05)
