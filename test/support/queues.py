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

"""Stand-ins for what a node listens to, so that a test decides what it hears, and when."""

from __future__ import annotations

from typing import Any


class Queue:
    """Stands for a subscription: gives what the test has put into it."""

    topic, publishers = "/made/up", 1

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.waiting: list[tuple[Any, int]] = []

    def take(self) -> list[tuple[Any, int]]:
        """Take everything."""
        taken, self.waiting = self.waiting, []
        return taken

    take_sent = take
