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

"""What a recording was made by is told, and only where it is known."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kpm_ros.core import provenance

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> str:
    options = ["-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    done = subprocess.run(["git", *options, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def told_in(folder: Path) -> str:
    """What the package tells that lies in this folder."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import provenance as s; print(s.commit())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path) -> Path:
    """A repository with this module in it, not yet committed."""
    folder = tmp_path / "package"
    folder.mkdir()
    shutil.copy(provenance.__file__, folder)
    git(tmp_path, "init", "-q")
    return folder


def test_the_commit_is_told_and_whether_anything_was_changed_since(package):
    git(package, "add", ".")
    git(package, "commit", "-qm", "first")
    commit = git(package, "rev-parse", "--short=12", "HEAD")
    assert told_in(package) == commit
    with (package / "provenance.py").open("a") as file:
        file.write("# changed\n")
    assert told_in(package) == f"{commit}-dirty"


def test_a_package_that_merely_lies_in_somebodys_repository_is_none_of_its_commits(package):
    (package.parent / "own.txt").touch()
    git(package.parent, "add", "own.txt")
    git(package.parent, "commit", "-qm", "somebody's")
    assert told_in(package) == ""


def test_without_a_repository_nothing_is_told(tmp_path):
    shutil.copy(provenance.__file__, tmp_path)
    assert told_in(tmp_path) == ""
