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

"""What the page on accuracy says is what the scores' files say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import accuracy
from kpm_ros.learn.scores.mia_report import read_mia_report
from kpm_ros.learn.scores.score_table import read_score_table

PAGE = accuracy.PAGES[0]
FILES = sorted(PAGE.parent.glob("accuracy*.json"))


def unwrapped(text):
    return " ".join(text.split())


def test_the_page_holds_the_tables_of_its_files():
    page = PAGE.read_text()
    assert accuracy.filled(page, PAGE.parent) == page
    assert {place[1] for place in accuracy.PLACE.findall(page)} == {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_scores_are_of_simulated_pianists_and_say_how_to_take_them_again(path):
    table = read_score_table(path)
    assert table.simulated
    assert table.command.startswith("kpm evaluate ")
    assert table.data.startswith("simulated: pianists")


def test_the_published_figures_stand_in_a_table_of_their_own():
    page = PAGE.read_text()
    ours, _, rest = page.partition("## The published figures, which are of people")
    for figure in ("0.134", "0.209", "0.264"):
        row = re.search(rf"^\| (architectural|held-out) \|.*{figure}", rest, re.MULTILINE)
        assert row
        assert not re.search(rf"(architectural|held-out) \|.*{figure}", ours)
    assert "These cannot be compared" in rest


def test_a_changed_score_changes_the_page(tmp_path):
    text = FILES[0].read_text()
    changed = text.replace('"otd_points": 2000', '"otd_points": 1234')
    assert changed != text
    for path in FILES:
        (tmp_path / path.name).write_text(changed if path == FILES[0] else path.read_text())
    page = PAGE.read_text()
    assert "1234 evenly spaced" in unwrapped(accuracy.filled(page, tmp_path))
    assert "1234 evenly spaced" not in unwrapped(page)


def test_the_tool_writes_the_page(tmp_path, monkeypatch):
    page = tmp_path / "accuracy.md"
    for path in FILES:
        (tmp_path / path.name).write_text(path.read_text())
    page.write_text(re.sub(r"\| mean \|.*", "| mean | wrong |", PAGE.read_text()))
    monkeypatch.setattr(accuracy, "PAGES", [page])
    accuracy.main()
    assert page.read_text() == PAGE.read_text()
    assert Path(accuracy.ROOT, "docs", "accuracy.md").read_text() == page.read_text()


def test_the_page_of_muscles_in_action_holds_the_tables_of_its_files():
    page = accuracy.PAGES[1].read_text()
    assert accuracy.filled(page, PAGE.parent) == page
    names = [place[1] for place in accuracy.PLACE.findall(page)]
    reports = [read_mia_report(PAGE.parent / f"{name}.json") for name in names]
    assert all(report.simulated for report in reports)
    assert all(report.command.startswith("kpm evaluate ") for report in reports)
    assert all("--report mia" in report.command for report in reports)
    for told in ("lengths", "transfer", "pose"):
        assert any(getattr(report, told) for report in reports), told
