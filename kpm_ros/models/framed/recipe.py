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

"""Settings of a quick training that suit networks of frames."""

from __future__ import annotations

from typing import Any

QUICK: dict[str, Any] = {
    "learning_rate": 2e-3,
    "adam_epsilon": 1e-8,
    "augment": 1.0,
    "sinkhorn": 0.0,
    "average": 0.998,
}
