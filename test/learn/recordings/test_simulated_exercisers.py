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

"""Data sets of simulated exercisers: both layouts, held-out people, and going on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.worker_pool import FinishedPart, produce
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.simulated_exercisers import ExerciserRelease
from kpm_ros.models.mia.published import COUNTS, MUSCLES
from kpm_ros.simulate.exerciser.exerciser_request import ExerciserRequest, plan_exercisers

REQUEST = ExerciserRequest(2, ("Squat", "FrontPunch"), 1, 10, 5, (2,), ("FrontPunch",))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets") / "both"
    produce(root, ExerciserRelease(REQUEST, "both"), 1)
    return root


def test_the_container_holds_metres_and_effort_and_holds_people_and_exercises_out(made: Path):
    data = open_dataset(made / "container")
    assert data.simulated
    assert "SIMULATED" in data.description
    assert data.muscles == MUSCLES
    assert data.rate_hz == 100
    [stream] = data.streams
    assert stream.name == "front"
    assert stream.coordinates == "metric"
    assert data.splits["test_cross_user"] == ("Squat_p2_1",)
    assert data.splits["test_cross_task"] == ("FrontPunch_p1_1",)
    recording = data.recording("Squat_p1_1")
    assert recording.person == "p1"
    assert recording.duration_s == 10
    assert 0.05 < recording.truth.values.max() < 1.0
    assert 250 < len(recording.series[0]) <= 300


def test_the_published_layout_holds_windows_in_counts(made: Path):
    data = open_dataset(made / "published")
    assert data.simulated
    assert not data.left_out
    assert data.unit == COUNTS
    folder = made / "published/MIADatasetOfficial/train/Subject0/Squat/0"
    assert "SIMULATED" in (made / "published/MIADatasetOfficial/README.txt").read_text()
    arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    assert {name: array.shape for name, array in arrays.items()} == {
        "emgvalues": (30, 8),
        "emgvaluesstd": (30, 8),
        "joints3d": (30, 25, 3),
        "joints2d": (30, 25, 2),
        "bboxes": (30, 4),
        "predcam": (30, 3),
        "origcam": (30, 4),
    }
    assert np.array_equal(arrays["emgvalues"], np.rint(arrays["emgvalues"]))
    # The joints lie where the weak perspective of origcam puts them.
    scale, shift = arrays["origcam"][:, None, :2], arrays["origcam"][:, None, 2:]
    put = scale * (arrays["joints3d"][..., :2] + shift)
    told = arrays["joints2d"] / (540.0, 960.0) - 1.0
    assert np.abs(put - told).max() < 0.12


def test_both_layouts_know_the_same_people(made: Path):
    known = [
        set(open_dataset(made / layout).store.also_known_as(name).person)
        for layout, name in (
            ("container", "Squat_p1_1"),
            ("published", "train/Subject0/Squat/0"),
            ("container", "Squat_p2_1"),
        )
    ]
    assert known[0]
    assert known[0] == known[1]
    assert not known[0] & known[2]


def test_a_set_is_the_same_for_any_workers_and_goes_on_where_it_was_interrupted(
    made: Path, tmp_path: Path
):
    def interrupt(step: FinishedPart) -> None:
        raise KeyboardInterrupt

    root, release = tmp_path / "set", ExerciserRelease(REQUEST, "container")
    with pytest.raises(KeyboardInterrupt):
        produce(root, release, 1, interrupt)
    assert not root.exists()
    steps: list[bool] = []
    produce(root, release, 2, lambda step: steps.append(step.was_made))
    assert steps.count(False) >= 1
    for path in sorted((made / "container/recordings").rglob("*.npy")):
        other = root / path.relative_to(made / "container")
        assert other.read_bytes() == path.read_bytes(), path
    steps.clear()
    produce(root, release, 1, lambda step: steps.append(step.was_made))
    assert not any(steps)
    with pytest.raises(ValueError, match="holds something else than this data set"):
        produce(root, ExerciserRelease(REQUEST, "published"), 1)


def test_the_manifest_says_that_it_is_simulated_and_who_the_people_are(made: Path):
    for layout in ("container", "published"):
        content = json.loads((made / layout / "simulated/dataset.json").read_text())
        assert content["simulated"]
        assert content["notice"].startswith("SIMULATED")
        assert set(content["persons"]) == {"p1", "p2"}
        assert content["request"]["seed"] == 5


def test_requests_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="there is no exercise 'Squats'"):
        plan_exercisers(persons=2, hours=0.1, exercises=("Squats",))
    with pytest.raises(ValueError, match="a take would last 4 s"):
        plan_exercisers(persons=10, hours=0.01, exercises=("Squat",))
    with pytest.raises(ValueError, match="all exercises are held out"):
        plan_exercisers(persons=2, hours=0.01, exercises=("Squat",), held_out_exercises=("Squat",))
