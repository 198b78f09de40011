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

"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
EARLY = (
    "test/estimate/test_beginnings.py",
    "test/nodes/test_overlay_workspace.py",
    "test/simulate/",
    "test/test_other_cpus.py",
    "test/learn/",
    "test/operate/",
)
"""What takes long comes first, or one process would be at it when the others have nothing left. The
first of all compiles networks; what is beside it then has long work that needs none of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""

    def place(item: pytest.Item) -> int:
        found = (place for place, early in enumerate(EARLY) if item.nodeid.startswith(early))
        return next(found, len(EARLY))

    items.sort(key=place)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real recordings and reference vectors beside the project; skips without it."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data beside the project (looked for {SHARED.name}/)")
    return SHARED
