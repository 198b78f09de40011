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

"""An earlier run's output is replaced; nothing else is."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from kpm_ros.operate.errors import UserError
from kpm_ros.operate.output_folder import OutputFolder
from kpm_ros.operate.process import Line


def test_what_an_earlier_run_left_is_replaced(tmp_path):
    first = OutputFolder(tmp_path / "demo")
    first.bag.mkdir()
    for name in ("metadata.yaml", "bag.mcap"):
        (first.bag / name).touch()
    first.log(Line("exo", datetime.now(), "old"))
    first.write_summary({"old": True})
    (tmp_path / "demo" / "notes.txt").touch()
    second = OutputFolder(tmp_path / "demo")
    assert not second.bag.exists()
    assert not second.summary.exists()
    assert not (second.logs / "exo.log").exists()
    assert (tmp_path / "demo" / "notes.txt").exists()


@pytest.fixture
def demo(tmp_path):
    """An output folder as an earlier run left it."""
    folder = OutputFolder(tmp_path / "demo")
    folder.bag.mkdir()
    (folder.bag / "bag.mcap").write_text("of the demo")
    folder.write_summary({})
    return tmp_path / "demo"


@pytest.mark.parametrize(
    "foreign",
    ["bag/thesis.txt", "bag/mine.mcap", "bag/bag_1.mcap", "logs/mine.log"],
)
def test_nothing_is_removed_where_something_else_is_in_the_way(demo, foreign):
    (demo / foreign).write_text("of years")
    before = {path: path.read_bytes() for path in demo.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=f"{foreign} was not written by an earlier run"):
        OutputFolder(demo)
    assert {path: path.read_bytes() for path in demo.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("foreign", ["bag/bag.mcap", "logs/exo.log", "summary.json"])
def test_a_folder_that_no_run_has_written_into_is_none_of_ours(tmp_path, foreign):
    (tmp_path / foreign).parent.mkdir(exist_ok=True)
    (tmp_path / foreign).write_text("of years")
    with pytest.raises(UserError, match=f"{foreign} was not written by an earlier run"):
        OutputFolder(tmp_path)
    assert (tmp_path / foreign).read_text() == "of years"


@pytest.mark.parametrize("name", ["bag", "logs", "bag/bag.mcap", "logs/kpm.log", "summary.json"])
def test_no_link_is_followed(demo, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (demo / name).rename(elsewhere)
    (demo / name).symlink_to(elsewhere)
    before = sorted(elsewhere.iterdir()) if elsewhere.is_dir() else elsewhere.read_bytes()
    with pytest.raises(UserError, match=f"{name} was not written by an earlier run"):
        OutputFolder(demo)
    assert before == (sorted(elsewhere.iterdir()) if elsewhere.is_dir() else elsewhere.read_bytes())


def test_a_link_that_came_during_the_run_is_not_written_through(tmp_path):
    target = tmp_path / "target"
    target.write_text("of years")
    folder = OutputFolder(tmp_path / "demo")
    folder.summary.symlink_to(target)
    (folder.logs / "exo.log").symlink_to(target)
    with pytest.raises(FileExistsError):
        folder.log(Line("exo", datetime.now(), "hello"))
    folder.write_summary({"done": 1})
    assert target.read_text() == "of years"
    assert json.loads(folder.summary.read_text()) == {"done": 1}


def test_what_a_run_that_was_killed_has_left_is_replaced(tmp_path):
    first = OutputFolder(tmp_path)
    first.bag.mkdir()
    (first.bag / "bag.mcap").touch()
    first.log(Line("exo", datetime.now(), "old"))
    second = OutputFolder(tmp_path)
    assert not second.bag.exists()
    assert [path.name for path in second.logs.iterdir()] == ["kpm.log"]


def test_a_folder_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be used"):
        OutputFolder(tmp_path / "file" / "demo")


def test_each_process_has_its_log(tmp_path):
    folder = OutputFolder(tmp_path)
    for name in ("exo", "gesture", "exo"):
        folder.log(Line(name, datetime.now(), f"hello from {name}"))
    folder.write_summary({"done": 1})
    assert (tmp_path / "logs" / "exo.log").read_text().count("hello from exo\n") == 2
    assert (tmp_path / "logs" / "gesture.log").read_text().count("\n") == 1
    assert json.loads(folder.summary.read_text()) == {"done": 1}
