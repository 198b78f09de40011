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

"""What can become recordings: files that belong together, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kpm_ros.learn.recordings.recording import Recording

HAND, CHANNELS = "hand", "channels"
"""Marks of a person: by two that differ, two people are told that go by one code."""


@dataclass(frozen=True)
class Taken:
    """What came out of a source."""

    recordings: tuple[Recording, ...] = ()
    said: tuple[str, ...] = ()
    """What of it could not be used, what was measured, what was done to it: a sentence each."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """What tells its person from others: which hand, which electrodes."""
    simulated: bool = False
    """Whether its people and devices were computed."""


class Source(Protocol):
    """A file or folder to import; it is sent to the process that reads it."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def as_plain(self) -> dict[str, Any]:
        """Tell what it is, and by which settings it is read, with plain values."""

    def take(self) -> Taken:
        """Read it; a ValueError says why nothing of it can be used."""


def file_facts(path: Path) -> dict[str, Any]:
    """Tell a file from another, or from what it was before, without reading it."""
    status = path.stat()
    return {"path": str(path.resolve()), "bytes": status.st_size, "changed_ns": status.st_mtime_ns}
