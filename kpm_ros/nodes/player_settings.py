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

"""Parameters of the node that plays a bag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import setting


@dataclass(frozen=True)
class PlayerSettings:
    """What the senses said in a bag, once more, with the bag's time on /clock."""

    FIXED: ClassVar[str] = (
        "the bag is opened with it; ~/rate, ~/seek and ~/pause change what can be"
    )

    bag: str = setting("", "the bag's folder, or one of its files")
    rate: float = setting(1.0, "how fast it is played", least=0.01, most=100.0)
    loop: bool = setting(False, "whether it begins again at its end")
    start_s: float = setting(0.0, "how far into the bag to begin", least=0.0, most=1e9)
    paused: bool = setting(False, "whether to begin paused")
    clock_hz: float = setting(40.0, "how often /clock is sent", least=1.0, most=1000.0)
    wait_s: float = setting(
        10.0,
        "longest wait for a pipeline that listens",
        least=0.0,
        most=600.0,
    )
    bag_namespace: str = setting("", "namespace in the bag, where it holds several pipelines")
    bag_topics: list[str] = setting([], "topics of the bag to play; empty = found by their types")
    period_s: float = setting(0.002, "how often messages are sent", least=0.0005, most=0.05)
