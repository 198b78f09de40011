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

"""Libraries older than what is tested are refused in words; what setup.py allows is not."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from kpm_ros.core import versions
from support.sources import ROOT


def pretend(monkeypatch: pytest.MonkeyPatch, **installed: str) -> None:
    real = metadata.version
    monkeypatch.setattr(
        versions.metadata, "version", lambda name: installed.get(name) or real(name)
    )


def test_what_is_installed_is_new_enough() -> None:
    assert versions.too_old() == ""


@pytest.mark.parametrize(
    ("name", "version", "needed"), [("numpy", "1.21.5", "1.24"), ("numba", "0.55.1", "0.56")]
)
def test_an_old_library_of_the_distribution_is_named_with_what_would_do(
    monkeypatch: pytest.MonkeyPatch, name: str, version: str, needed: str
) -> None:
    pretend(monkeypatch, **{name: version})
    with pytest.raises(
        SystemExit, match=rf"{name} {version} is too old .* needs {needed} or later"
    ):
        versions.refuse_too_old()


def test_a_newer_one_passes_whatever_its_last_digits_say(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, numba="0.100.0rc1", numpy="2.0.0", scipy="1.10.1+dfsg")
    assert versions.too_old() == ""


def test_what_pip_may_install_is_never_refused() -> None:
    text = (ROOT / "setup.py").read_text()
    for name, lowest in versions.LOWEST.items():
        [floor] = re.findall(rf'"{name}>=(\d+)\.(\d+)"', text)
        assert tuple(map(int, floor)) >= lowest


def test_the_commands_that_colcon_installs_refuse_before_they_import_anything(
    tmp_path: Path,
) -> None:
    command = (ROOT / "cmake" / "executable.in").read_text().replace("@module@", "kpm_ros.cli")
    (tmp_path / "kpm").write_text(command)
    (tmp_path / "numba-0.55.1.dist-info").mkdir()
    (tmp_path / "numba-0.55.1.dist-info" / "METADATA").write_text("Name: numba\nVersion: 0.55.1\n")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "kpm"), "--help"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("numba 0.55.1 is too old for kpm_ros")
    assert "Traceback" not in done.stderr
