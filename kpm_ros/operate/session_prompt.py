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

"""What a session says to the person at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kpm_ros.core.session_file import Step


class Phase(IntEnum):
    """Where a session is; the numbers are those of SessionPrompt.msg."""

    PREPARING = 0
    CHECKING = 1
    READY = 2
    RECORDING = 3
    PAUSED = 4
    OVER = 5


@dataclass
class Prompt:
    """What is asked, and how long it takes yet."""

    person: str = ""
    phase: Phase = Phase.PREPARING
    step: Step | None = None
    number: int = 0
    """Of the step, counted from 1."""
    count: int = 0
    take: int = 0
    text: str = ""
    note: str = ""
    """What was wrong, or is waited for."""
    left_s: int = 0
    """Whole seconds left of this phase; 0 = until something happens."""
    picture: str = ""
    """Path of the drawing, as SVG."""
    drawing: tuple[str, ...] = ()
    """The same with characters."""
