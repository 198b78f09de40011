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

"""Runs the examples in docstrings of the package's modules."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules_with_examples() -> list[str]:
    """Every module that shows an example, found without importing any."""
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in sorted((ROOT / "kpm_ros").rglob("*.py"))
        if ">>> " in file.read_text("utf-8")
    ]


def modules_of(*packages: str) -> list[str]:
    """Those of them that are, or lie in, one of these."""
    return [
        name
        for name in modules_with_examples()
        if any(name == package or name.startswith(f"{package}.") for package in packages)
    ]


def run_examples(name: str, **given: Any) -> None:
    """Run a module's examples, which may use the given names."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kpm_ros"):
            raise
        pytest.skip(f"{name} needs {error.name}, which is not installed")
    results = doctest.testmod(module, extraglobs=given, optionflags=OPTIONS)
    assert results.attempted, f"{name} shows an example that is in no docstring"
    assert not results.failed, f"an example of {name} shows what does not happen: see above"
