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
from pathlib import Path

import pytest

import figures


@pytest.mark.parametrize("name", figures.PLACES)
def test_a_page_holds_the_figures_of_the_reports(name: str) -> None:
    page = (figures.ROOT / figures.PLACES[name][0]).read_text("utf-8")
    assert figures.filled(name, page) == page, "run tools/figures.py"


@pytest.mark.parametrize("name", figures.USED)
def test_a_report_says_how_to_take_its_figures_again(name: str) -> None:
    report = figures.report(name, figures.REPORTS)
    assert report["command"] == f"python bench/{name}.py"
    assert {"cpu", "cores", "load_before"} <= set(report["machine"])


def test_a_fault_that_no_row_shows_is_named(tmp_path: Path) -> None:
    report = json.loads((figures.REPORTS / "faults.json").read_text("utf-8"))
    report["figures"]["a_new_fault_ms"] = 12.0
    (tmp_path / "faults.json").write_text(json.dumps(report))
    with pytest.raises(SystemExit, match="a_new_fault_ms"):
        figures.faults_tables(tmp_path)


def test_a_row_of_which_nothing_is_measured_is_named(tmp_path: Path) -> None:
    report = json.loads((figures.REPORTS / "faults.json").read_text("utf-8"))
    kept = {name: value for name, value in report["figures"].items() if "rival" not in name}
    (tmp_path / "faults.json").write_text(json.dumps({**report, "figures": kept}))
    with pytest.raises(SystemExit, match="a second publisher"):
        figures.faults_tables(tmp_path)
