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

"""Tables are aligned, whole, and take nothing for markup."""

from __future__ import annotations

from kpm_ros.core.text_tables import text_table


def test_columns_are_as_wide_as_their_words_and_figures_end_below_each_other() -> None:
    rows = [("exo", "9.5", "x"), ("synchronizer", "10.25", "")]
    assert text_table(rows, ("node", "ms", ""), figures=(1,), indent="  ").splitlines() == [
        "  node             ms",
        "  exo             9.5  x",
        "  synchronizer  10.25",
    ]


def test_what_is_long_or_looks_like_markup_is_shown_as_it_is() -> None:
    words = "[red]/dev/video0[/red] " + 40 * "long " + "end"
    assert text_table([("camera", words)]) == f"camera  {words}"


def test_a_table_of_nothing_has_its_head_alone() -> None:
    assert text_table([], ("CPU", "cores")) == "CPU  cores"
    assert text_table([]) == ""
