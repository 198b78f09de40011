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

"""Examples in docstrings are tests: what they show is what happens."""

from __future__ import annotations

import pytest

from support.examples import modules_of, modules_with_examples, run_examples

ELSEWHERE = [*modules_of("kpm_ros.client", "kpm_ros.nodes"), *modules_of("kpm_ros.replay")]
"""Run by test/nodes, with ROS, and by test/replay, with a recording."""


@pytest.mark.parametrize("name", sorted({*modules_with_examples()} - {*ELSEWHERE}))
def test_examples_show_what_happens(name, tmp_path):
    run_examples(name, folder=tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "kpm_ros.act.assistance",
        "kpm_ros.client",
        "kpm_ros.replay.bag",
        "kpm_ros.replay.bag_reader",
        "kpm_ros.replay.offline",
        "kpm_ros.simulate.session",
    ],
)
def test_what_other_programs_import_shows_an_example(name):
    assert name in modules_with_examples()


def test_an_example_that_shows_something_else_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "wrong_example.py").write_text('"""Adds.\n\n>>> 1 + 1\n3\n"""\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssertionError, match="wrong_example"):
        run_examples("wrong_example")
