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

"""What several tests of the simulated exerciser use."""

from __future__ import annotations

import pytest

from kpm_ros.simulate.exerciser.figure import Figure


@pytest.fixture(scope="session")
def figure() -> Figure:
    """An average person's body, compiled once."""
    return Figure()
