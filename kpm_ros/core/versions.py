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

"""Libraries that are older than what is tested are refused in a sentence, not in a traceback."""

from __future__ import annotations

import re
import sys
from importlib import metadata

LOWEST = {"numba": (0, 56), "numpy": (1, 24), "scipy": (1, 10)}
"""Distributions bring older ones than pip would; `make lowest` tests with what setup.py allows."""


def too_old() -> str:
    """Name the first library that is too old, and what would do; nothing if there is none."""
    for name, lowest in LOWEST.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # whoever needs it says so
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if numbers < lowest:
            needed = ".".join(map(str, lowest))
            return (
                f"{name} {version} is too old for kpm_ros, which needs {needed} or later: install "
                "it into an environment that sees ROS 2's packages (docs/install.md tells how)"
            )
    return ""


def refuse_too_old() -> None:
    """End the process with the sentence, if there is one to say."""
    reason = too_old()
    if reason:
        sys.exit(reason)
