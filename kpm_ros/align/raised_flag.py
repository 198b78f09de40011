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

"""A flag that is raised by what was judged at ticks of the clock, and lowered later than raised."""

from __future__ import annotations

from dataclasses import dataclass

from kpm_ros.core.flags import Flag

TICKS_TO_RAISE = 2
TICKS_TO_CLEAR = 8


@dataclass
class RaisedFlag:
    """A flag with hysteresis."""

    flag: Flag
    text: str = ""
    bad: int = 0
    good: int = 0
    raised: bool = False

    def note(self, text: str, *, sure: bool, well: bool) -> bool:
        """Take in one tick's verdict, empty = none; say whether the flag is raised by it.

        What is not sure must be said twice.
        """
        self.bad = self.bad + 1 if text else 0
        self.good = self.good + 1 if well else 0
        enough = bool(text) and (sure or self.bad >= TICKS_TO_RAISE)
        if text and (self.raised or enough):
            self.text = text
        if not self.raised and enough:
            self.raised = True
            return True
        if self.raised and self.good >= TICKS_TO_CLEAR:
            self.clear()
        return False

    def clear(self) -> None:
        """All is well again."""
        self.text, self.bad, self.good, self.raised = "", 0, 0, False
