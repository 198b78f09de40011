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

"""Pages say what is there: commands, files, names and links; and they stay readable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.command_lines import Command, commands, complaint
from support.pages import PAGES, ROOT, Page, anchors, is_known, wrong_defaults

LONGEST_LINE = 120

pages = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


@pages
def test_lines_are_short_enough_to_read_in_a_terminal(path: Path) -> None:
    page = Page.read(path)
    long = [
        f"{path.name}:{number} has {len(line)} characters"
        for number, line in enumerate(page.text.splitlines(), 1)
        if len(line) > LONGEST_LINE and not line.startswith("|") and "](" not in line
    ]
    assert not long


@pages
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    for target in Page.read(path).links:
        file, _, place = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), f"{path.name} links to {target}, which is not there"
        if place:
            assert place in anchors(found), f"{path.name}: {target} names no heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md" or not path.is_file():
            continue
        reached.add(path)
        targets = [target.partition("#")[0] for target in Page.read(path).links]
        waiting += [(path.parent / target).resolve() for target in targets if target]
    assert set(PAGES) <= reached


@pages
def test_a_page_opens_by_saying_what_it_is(path: Path) -> None:
    title, _, rest = Page.read(path).text.partition("\n\n")
    assert re.fullmatch(r"# .+", title)
    opening = rest.split("\n\n")[0]
    assert re.match(r"[`*A-Z]", opening), "a page opens with a sentence"
    assert opening.rstrip().endswith((".", ":")), "a page opens with a sentence"


@pages
def test_command_lines_run_as_they_are_shown(path: Path) -> None:
    wrong = [
        f"`{command.line}`: {said}"
        for command in commands(Page.read(path))
        if (said := complaint(command))
    ]
    assert not wrong, f"{path.name} shows what does not run: {'; '.join(wrong)}"


@pages
def test_files_and_names_in_the_text_exist(path: Path) -> None:
    gone = [code for code in Page.read(path).inline if not is_known(code)]
    assert not gone, f"{path.name} names what is not in the code: {', '.join(gone)}"


@pages
def test_defaults_in_the_text_are_those_of_the_parameters_file(path: Path) -> None:
    assert not wrong_defaults(Page.read(path))


def test_a_default_that_has_changed_is_noticed() -> None:
    text = "it waits for `pose_wait_s` (60 ms) and `keys_wait_s`, 30 ms"
    assert wrong_defaults(Page(ROOT, text)) == ["keys_wait_s is 30 ms"]


@pytest.mark.parametrize(
    "code",
    [
        "test/tea.py",
        "tea.py",
        "sense/tea.py",
        "kpm_ros.tea",
        "tea_time_s",
        "TeaPot",
        "reader.tea_time()",
    ],
)
def test_a_name_that_is_nowhere_is_noticed(code: str) -> None:
    assert not is_known(code)


def test_what_the_tests_find_on_pages_is_most_of_what_they_show() -> None:
    """A page whose command lines were written in another way would pass unseen."""
    found = [command for path in PAGES for command in commands(Page.read(path))]
    for start, least in (("kpm ", 60), ("make ", 15), ("ros2 ", 15), ("tools/env ", 5)):
        assert sum(command.line.startswith(start) for command in found) >= least, start


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("kpm fly", "fly"),
        ("kpm up sauce:=devices", "no option 'sauce'"),
        ("kpm up source:=kitchen", "must be one of"),
        ("kpm up model:=touchnet-gone", "no model"),
        ("kpm replay bag --backwards", "--backwards"),
        ("make tea", "no target"),
        ("make bench BENCH=tea", "no benchmark"),
        ("make demo TEA_S=1", "no variable"),
        ("tools/env run pytest test/tea", "test/tea"),
        ("tools/env pour", "tools/env"),
        ("python bench/tea.py", "bench/tea.py"),
        ("python -m kpm_ros.tea", "kpm_ros.tea"),
        ("ros2 launch kpm_ros tea.launch.py", "tea.launch.py"),
        ("ros2 launch kpm_ros pipeline.launch.py sauce:=1", "sauce"),
        ("ros2 run kpm_ros teapot", "teapot"),
        ("ros2 run kpm_ros midi --ros-args -p sugar:=2", "sugar"),
        ("ros2 topic echo /kpm/tea", "/kpm/tea"),
        ("pip install 'kpm_ros[tea]'", "tea"),
    ],
)
def test_what_does_not_run_is_noticed(line: str, says: str) -> None:
    said = complaint(Command(line, whole=True))
    assert said is not None
    assert says in said
