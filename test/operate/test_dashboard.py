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

"""What the demo shows while it runs."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

pytest.importorskip("rich")

from rich.console import Console

from kpm_ros.core.flags import Flag
from kpm_ros.operate.dashboard import Dashboard, Picture, as_line, draw
from kpm_ros.operate.usage import Usage, cores

RUNNING = Picture(
    phase="measuring",
    elapsed_s=4,
    duration_s=20,
    muscles=("ADM", "PB"),
    effort=(0.25, 1.5),
    delay_ms=71.4,
    messages=8000,
    rates_hz={"effort": 2000.1, "camera/top/landmarks": 60.0},
    cpu_cores={"inference": 0.28, "demo": 0.02, "total": 0.3},
    restarts={"inference": 1},
    news="inference ended by itself once",
    hints=("ros2 topic hz /kpm/effort",),
)


def drawn(picture: Picture) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(draw(picture))
    return console.file.getvalue()


def test_the_picture_shows_rates_delay_muscles_costs_and_news():
    text = drawn(RUNNING)
    for fact in (
        "measuring 4 of 20 s",
        "71 ms",
        "ADM",
        "0.250",
        "camera/top/landmarks",
        "2000.1",
        "inference",
        "0.28",
        "ended by itself once",
        "ros2 topic hz",
    ):
        assert fact in text


def test_the_line_tells_the_same_cpu_in_all_as_the_table_and_the_summary():
    began = {"inference": Usage(1.0), "demo": Usage(2.0)}
    ended = {"inference": Usage(2.5), "demo": Usage(2.2), "exo": Usage(0.3)}
    used = cores((10.0, began), (11.0, ended))
    assert used == pytest.approx({"inference": 1.5, "demo": 0.2, "exo": 0.3, "total": 2.0})
    picture = replace(RUNNING, cpu_cores=used)
    assert "| CPU 2.00 cores |" in as_line(picture)
    [row] = [line for line in drawn(picture).splitlines() if " total " in line]
    assert " 2.00 " in row


def test_effort_that_is_not_valid_says_so():
    picture = Picture(muscles=("ADM",), effort=(0.1,), messages=1, flags=Flag.INVALID)
    assert "not valid" in drawn(picture)
    assert "invalid" in as_line(picture)


def test_of_two_hands_the_invalid_one_is_told():
    two = Picture(muscles=("L_ADM", "R_ADM"), effort=(0.1, 0.2), messages=1)
    left = drawn(replace(two, flags=Flag.LEFT_INVALID)).splitlines()
    [line] = [line for line in left if "not valid" in line]
    assert "L_ADM" in line
    assert "R_ADM" not in line
    assert "left invalid" in as_line(replace(two, flags=Flag.LEFT_INVALID))


def test_before_anything_has_come_there_is_still_a_picture():
    assert "no effort yet" in drawn(Picture())
    assert as_line(Picture()).startswith("starting 0 s")


def test_without_a_terminal_it_prints_a_line_now_and_then():
    console = Console(file=io.StringIO(), force_terminal=False, width=40)
    with Dashboard(console) as dashboard:
        assert dashboard.due
        dashboard.show(RUNNING)
        assert not dashboard.due
    (line,) = console.file.getvalue().splitlines()
    assert line.startswith("measuring 4 of 20 s | effort 2000/s | delay 71 ms | lost 0 | ADM 0.25")


def test_on_a_terminal_it_draws_and_leaves_the_terminal_clean():
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=50)
    with Dashboard(console) as dashboard:
        dashboard.show(RUNNING)
    assert "muscle effort at 2 kHz" in console.file.getvalue()
    assert console.file.getvalue().endswith("\x1b[2K")


@pytest.mark.parametrize("count", [8, 9, 12])
def test_the_muscles_of_a_body_stand_in_two_columns_and_all_fits_a_small_terminal(count):
    names = [f"{side}{number}" for side in "LR" for number in range(count)][:count]
    body = replace(
        RUNNING,
        muscles=names,
        effort=[number / count for number in range(count)],
        rates_hz=dict.fromkeys(("camera/front/landmarks", "aligned", "effort", "gesture"), 1.0),
        hints=RUNNING.hints * 2,
        flags=Flag.HIDDEN | Flag.INVALID,
    )
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(draw(body))
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines)
    rows = -(-count // 2)
    shown = [line for line in lines if "not valid" in line]
    assert len(shown) == rows
    for number, line in enumerate(shown):
        beside = names[number::rows]
        assert all(name in line for name in beside)
        assert all(f"{names.index(name) / count:.3f}" in line for name in beside)
