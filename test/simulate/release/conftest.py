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

"""A tiny data set, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpm_ros.simulate.release.pianists import make_release
from kpm_ros.simulate.release.request import Request

REQUEST = Request(
    pianists=3,
    tasks=2,
    takes=2,
    seconds=2,
    seed=7,
    body="plain",
    held_out_pianists=(3,),
    held_out_tasks=(2,),
)


@pytest.fixture(scope="session")
def request_made() -> Request:
    return REQUEST


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in one go by one process."""
    root = tmp_path_factory.mktemp("set")
    make_release(root, REQUEST, workers=1)
    return root
