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

"""The project's launch files as modules; without the launch library, tests that ask are skipped."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

for library in ("launch", "launch_ros"):
    pytest.importorskip(library, reason=f"{library} comes with a ROS 2 installation only")

FOLDER = Path(__file__).resolve().parent.parent.parent / "launch"


def load(name: str) -> ModuleType:
    """Import a launch file."""
    spec = importlib.util.spec_from_file_location(name.replace(".", "_"), FOLDER / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
