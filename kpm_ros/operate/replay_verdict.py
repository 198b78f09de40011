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

"""What is said of a replay that was compared with the run it replays."""

from __future__ import annotations

from dataclasses import dataclass

from kpm_ros.core.text_tables import text_table
from kpm_ros.replay.compare import LEAST_SHARE, Comparison, GridComparison


@dataclass(frozen=True)
class Verdict:
    """A comparison in words."""

    agrees: bool
    text: str
    verdict: str


def verdict(
    grid: GridComparison | None, estimated: Comparison, own: Comparison | None = None
) -> Verdict:
    """Judge a replay.

    Where the bag has the grid of the run, `estimated` is effort made of that grid, and `own` is
    that of the replay's; else `estimated` is the replay's.
    """
    parts = [estimated] if own is None else [estimated, own]
    reason = _why_not(grid, estimated, parts)
    said = reason or f"the replay is the run, within {estimated.tolerance:g}"
    rows = [] if grid is None else _grid_rows(grid)
    shown = own or estimated
    rows += [
        ("effort in both", str(shown.both)),
        ("only in the replay", str(shown.only_first)),
        ("only in the recording", str(shown.only_second)),
    ]
    rows += _effort_rows("of the recorded grid" if own else "compared", estimated)
    if own is not None:
        rows += _effort_rows("of the replay's grid", own)
    anywhere = f"max |difference| {shown.max_difference_anywhere:.2g}"
    flags = f"flags differ {shown.flags_differ_anywhere}"
    rows.append(("of all that are in both", f"{anywhere}, {flags}"))
    text = f"compared with the recorded run\n{text_table(rows, indent='  ')}\n"
    text += "" if reason else f"{said}\n"
    return Verdict(not reason, text, said)


def _grid_rows(grid: GridComparison) -> list[tuple[str, str]]:
    alike = f"{grid.same} ({grid.share:.1%}) made from the same messages, alike to the last bit"
    return [
        ("grid samples", alike),
        ("  from other messages", f"{grid.unlike} (in time for one run only)"),
        ("  only in the replay", str(grid.only_first)),
        ("  only in the recording", str(grid.only_second)),
    ]


def _effort_rows(what: str, result: Comparison) -> list[tuple[str, str]]:
    left_out = [
        f"{count} {why}"
        for count, why in (
            (result.warming, "while a stream warms up, and until effort is back"),
            (result.unseen, "after effort begins, or has a gap, in one run"),
            (result.lost, "after a grid sample reached one network only"),
            (result.unlike, "after grid samples from other messages"),
        )
        if count
    ]
    found = (
        f"{result.compared} ({result.compared / max(result.both, 1):.1%}): "
        f"max |difference| {result.max_difference:.2g}, flags differ {result.flags_differ}"
    )
    left = [("  left out", ", ".join(left_out))] if left_out else []
    return [(what, found), *left]


def _why_not(grid: GridComparison | None, estimated: Comparison, parts: list[Comparison]) -> str:
    """Why the replay is not the run; nothing where it is."""
    if not estimated.both:
        return "not one sample is in both: they do not overlap in time"
    for part in parts:
        if part.flags_differ:
            return f"{part.flags_differ} samples made from the same inputs differ in their flags"
        if not part.agrees:
            return (
                f"effort made from the same inputs differs by {part.max_difference:.2g}, "
                f"more than {part.tolerance:g}"
            )
    if not estimated.enough or (grid is not None and grid.share < LEAST_SHARE):
        return "too few samples were made from the same inputs to tell whether the rest agrees"
    return ""
