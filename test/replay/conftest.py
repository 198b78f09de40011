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

"""A model small enough for quick tests, and recordings of the simulated devices."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rosbags")

from support import bags


@pytest.fixture(scope="session")
def light(tmp_path_factory) -> Path:
    """A light model's weights file."""
    return bags.small_model(tmp_path_factory.mktemp("model"))[0]


@pytest.fixture(scope="session")
def deliveries() -> list[bags.Delivery]:
    """Two seconds of the simulated devices."""
    return bags.played(2.0)


@pytest.fixture(scope="session")
def recording(deliveries, light, tmp_path_factory) -> Path:
    """Those two seconds, and what a live run made of them, in a bag."""
    messages = bags.entries(deliveries) + bags.live(deliveries, light)
    return bags.write(tmp_path_factory.mktemp("bag") / "bag", messages)
