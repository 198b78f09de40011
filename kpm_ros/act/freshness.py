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

"""Which effort counts, and for how long: what everybody who acts on effort can set."""

from __future__ import annotations

from dataclasses import dataclass

from kpm_ros.core.settings import CheckedSettings, setting


@dataclass(frozen=True)
class FreshnessRules(CheckedSettings):
    """Which effort counts, and for how long."""

    timeout_s: float = setting(
        0.05, "silence after which effort is stale", least=0.005, most=1.0, live=True
    )
    max_age_s: float = setting(
        0.3, "age after which effort is stale", least=0.01, most=5.0, live=True
    )
    """Age of the instant that it describes."""
    max_effort: float = setting(
        10.0,
        "effort beyond this, in its unit, is implausible and not acted on",
        least=1e-6,
        most=1e9,
        live=True,
    )
