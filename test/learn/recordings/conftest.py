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

"""A small data set for the tests of what is read from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.releases import NAME, fill, write_splits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data set of one performance, as a lab might have written it."""
    folder = tmp_path / "set"
    fill(folder)
    write_splits(folder, train=[f"{NAME}.pkl"])
    return folder
