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

"""What a replay is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Choices:
    """What the user chose of a replay."""

    bag: Path
    model: str = ""
    """Empty = the live run's, if it is known and there, else the usual one."""
    hand: str = ""
    """Of a model of a hand: whose effort; empty = as in the live run."""
    registration: str = ""
    """Where the cameras stood: a file; empty = as in the live run."""
    params_file: str = ""
    namespace: str = ""
    topics: tuple[str, ...] = ()
    from_aligned: bool = False
    out: Path | None = None
    tolerance: float = 1e-5
    device: str = ""
    """Where whole stretches are evaluated at once; empty = streamed, as live."""
