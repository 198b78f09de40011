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

"""What became of what was pushed into an aligner, and of the samples that it made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class AlignerCounts:
    """What was refused and what broke off, for diagnostics."""

    refused: int = 0
    """Impossible: wrong size, not finite, a repeat, of an unknown view, or too many at once."""
    future: int = 0
    """Stamped further ahead of the clock than allowed."""
    late: int = 0
    """Came after its instant had been settled without it."""
    clock_steps: int = 0
    """Times the clock jumped, or nobody advanced the stream for as long."""
    emitted: int = 0
    stale: int = 0
    """Samples of them whose pose was stale or lost in some view."""
