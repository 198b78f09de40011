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

"""The figures on the pages are those of the benchmarks' reports, and of no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import figures

SECTIONS = figures.sections()


def faults_of(folder: Path, measured: dict[str, float]) -> str:
    """Write the section of faults with other figures than those that were measured."""
    report = json.loads((figures.REPORTS / "faults.json").read_text("utf-8"))
    (folder / "faults.json").write_text(json.dumps({**report, "figures": measured}))
    return SECTIONS["faults"].filled(figures.Reports(folder))


@pytest.fixture
def measured() -> dict[str, float]:
    report = json.loads((figures.REPORTS / "faults.json").read_text("utf-8"))
    return dict(report["figures"])


@pytest.mark.parametrize("name", SECTIONS)
def test_a_page_holds_the_figures_of_the_reports(name: str) -> None:
    page = (figures.ROOT / SECTIONS[name].page).read_text("utf-8")
    assert figures.filled(name, page) == page, "run tools/figures.py"


@pytest.mark.parametrize("name", figures.used())
def test_a_report_says_how_to_take_its_figures_again(name: str) -> None:
    assert (figures.ROOT / "bench" / f"{name}.py").is_file()
    path = figures.REPORTS / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"make bench BENCH={name} has not been run")
    report = json.loads(path.read_text("utf-8"))
    assert report["command"] == f"python bench/{name}.py"
    assert {"cpu", "cores", "load_before"} <= set(report["machine"])


def test_a_fault_that_no_row_shows_is_named(tmp_path: Path, measured: dict[str, float]) -> None:
    with pytest.raises(SystemExit, match="shows 0 times: a_new_fault_ms"):
        faults_of(tmp_path, {**measured, "a_new_fault_ms": 12.0})


def test_a_fault_that_two_rows_show_is_named(tmp_path: Path, measured: dict[str, float]) -> None:
    with pytest.raises(SystemExit, match="shows 2 times: a_camera_dead_or_frozen_by_a_rival_ms"):
        faults_of(tmp_path, {**measured, "a_camera_dead_or_frozen_by_a_rival_ms": 12.0})


def test_a_row_of_which_nothing_is_measured_is_named(
    tmp_path: Path, measured: dict[str, float]
) -> None:
    kept = {name: value for name, value in measured.items() if "rival" not in name}
    with pytest.raises(SystemExit, match=r"has no figure .*rival"):
        faults_of(tmp_path, kept)


def test_a_row_of_a_new_figure_is_absent_until_it_is_measured(
    tmp_path: Path, measured: dict[str, float]
) -> None:
    names = [f"an_exo_node_that_is_killed_to_zero_ms{end}" for end in ("", "_most")]
    older = {name: value for name, value in measured.items() if "exo_node_that" not in name}
    assert "the exo node is killed" not in faults_of(tmp_path, older)
    now = faults_of(tmp_path, {**older, names[0]: 51.0, names[1]: 53.0})
    assert "| the exo node is killed, or stopped | 51 ms | 53 ms |" in now


def test_what_was_not_measured_yet_is_absent(tmp_path: Path) -> None:
    shutil.copy(figures.REPORTS / "gestures.json", tmp_path)
    reports = figures.Reports(tmp_path)
    table = SECTIONS["figures"].filled(reports)
    assert "gestures of real people" in table
    assert "`pipeline`" not in table
    assert "Machine:" not in table
    assert not SECTIONS["estimate"].filled(reports)
