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
