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

"""Parameters of the node that records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import setting


@dataclass(frozen=True)
class RecorderSettings:
    """Topics into a bag."""

    FIXED: ClassVar[str] = "the bag is opened with it"

    folder: str = setting("", "folder of the bag; it must not exist yet, or be empty")
    topics: list[str] = setting(["effort"], "topics to record, relative to the namespace")
    storage: str = setting("mcap", "format of the bag", choices=("mcap", "sqlite3"))
    registration: str = setting(
        "", "where the cameras stand, kept with the recording: a file that `kpm calibrate` wrote"
    )
    period_s: float = setting(0.02, "how often messages are taken", least=0.001, most=0.05)
