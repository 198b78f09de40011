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

"""The page for newcomers shows a program that makes a data set of what they have."""

from __future__ import annotations

import numpy as np
import pytest

from support.pages import ROOT, Page

PAGE = ROOT / "docs" / "your-own-data.md"


def made_up(person, task, take):
    """Points of five fingertips, and envelopes of 12 muscles that follow from them."""
    draw = np.random.default_rng([ord(person[0]), ord(task[0]), int(take)])
    points = 0.5 + 0.1 * np.sin(np.cumsum(draw.uniform(0, 0.3, (300, 5, 2)), axis=0))
    weights = np.random.default_rng(0).uniform(0, 0.2, (10, 12))
    return points, points.reshape(300, 10) @ weights


def test_the_program_of_the_page_writes_a_data_set_that_can_be_opened(tmp_path, monkeypatch):
    from kpm_ros.learn.recordings.container import open_container

    monkeypatch.chdir(tmp_path)
    program = Page.read(PAGE).blocks("python")[0]
    exec(compile(program, str(PAGE), "exec"), {"load": made_up})
    data = open_container(tmp_path / "sets" / "fingertips")
    (view,) = data.streams
    assert (view.name, len(view.skeleton), view.rate_hz) == ("front", 5, 100.0)
    assert len(data.muscles) == 12
    assert set(data.splits) >= {"train", "val", "test_cross_user"}
    assert all(data.splits[name] for name in ("train", "val", "test_cross_user"))
    recording = data.store.recording(data.splits["train"][0])
    points, effort = made_up(recording.person, recording.task, recording.take)
    assert recording.series[0].values == pytest.approx(points.reshape(300, 10), abs=1e-6)
    assert recording.truth.values == pytest.approx(effort, abs=1e-6)
