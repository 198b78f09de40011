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
"""Recordings that tell where their cameras stood, and what a model of pictures learns of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.learn.recordings.told_cameras import told_cameras
from kpm_ros.learn.training.training_run import Training
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.weight_files import load_model
from kpm_ros.sense.samples import HAND
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.release.files import as_json_bytes
from kpm_ros.simulate.release.folder import calibration
from support.small_release import write_release

TOP, RIGHT = default_cameras()
VIEW = Landmarks("top", find_skeleton(HAND))


def of(camera: Camera | None, name: str = "t1_p1_1") -> Recording:
    """A second of pictures of one camera."""
    random = np.random.default_rng(1)
    task, person, take = name.split("_")
    series = TimeSeries(replace(VIEW, camera=camera), random.random((60, VIEW.width)))
    effort = Truth(("1DI",), "fraction", 100.0, random.random((100, 1)))
    return Recording(name, person, task, take, (series,), effort)


def camera_of(recording: Recording, view: str = "top") -> Camera | None:
    stream = recording.streams[view]
    assert isinstance(stream, Landmarks)
    return stream.camera


def release(folder: Path, **pianists: int) -> Path:
    """A data set in the published layout, with each pianist's cameras set up by a seed."""
    root = write_release(folder, seconds=1)
    cameras = {
        name: {one.name: calibration(one.nudged(seed, 0.02)) for one in (TOP, RIGHT)}
        for name, seed in pianists.items()
    }
    (root / "simulated/cameras.json").write_bytes(as_json_bytes({"pianists": cameras}))
    return root


def test_a_container_keeps_each_recordings_own_cameras(tmp_path: Path) -> None:
    cameras = [TOP.camera, TOP.nudged(2, 0.1).camera, None]
    recordings = [of(camera, f"t1_p1_{k}") for k, camera in enumerate(cameras)]
    names = [one.name for one in recordings]
    about = About(name="pictures", simulated=False)
    root = write_dataset(tmp_path / "set", about, recordings, {"train": names})
    dataset = open_dataset(root)
    assert [camera_of(dataset.recording(name)) for name in names] == cameras
    assert dataset.streams["top"].camera is None


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"lens": [1, 1, 0, 0]}, "a camera that is no table of image_size, lens"),
        (TOP.camera.as_plain() | {"rotation": [0.0] * 9}, "a rotation that is none"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(tmp_path: Path, told: object, says: str) -> None:
    about = About(name="pictures", simulated=False)
    root = write_dataset(tmp_path / "set", about, [of(TOP.camera)], {"train": ["t1_p1_1"]})
    index = json.loads((root / "dataset.json").read_text())
    index["recordings"]["t1_p1_1"]["streams"]["top"]["camera"] = told
    (root / "dataset.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=says):
        open_dataset(root)


def test_a_simulated_set_tells_where_each_pianists_cameras_stood(tmp_path: Path) -> None:
    dataset = open_dataset(release(tmp_path, p1=1, p2=2))
    first, second = (camera_of(dataset.recording(f"t1_p{n}_1")) for n in (1, 2))
    for found, seed in ((first, 1), (second, 2)):
        assert found is not None
        point = np.array([[0.6, 0.05, 0.03]])
        meant = TOP.nudged(seed, 0.02).camera
        np.testing.assert_allclose(found.project(point), meant.project(point), atol=1e-9)
    assert camera_of(dataset.recording("t1_p3_1")) is None


def test_a_camera_file_that_is_damaged_is_refused_in_a_sentence(tmp_path: Path) -> None:
    root = release(tmp_path, p1=1)
    file = root / "simulated/cameras.json"
    content = json.loads(file.read_text())
    content["pianists"]["p1"]["top"]["position"] = ["far", 0, 0]
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="p1: top must have 3 numbers as its position"):
        open_dataset(root)


def test_the_camera_in_the_middle_of_all_speaks_for_them() -> None:
    along_m = (0.0, 0.03, -0.03, 0.3, -0.3)
    cameras = [TOP.camera.shifted(np.array([x, 0.0, 0.0])) for x in along_m]
    assert told_cameras(["top"], [of(camera) for camera in cameras]) == {"top": cameras[0]}
    # Most stood together.
    assert told_cameras(["top"], [of(cameras[k]) for k in (3, 1, 3, 3)]) == {"top": cameras[3]}


def test_nothing_is_said_where_some_recording_does_not_tell() -> None:
    assert told_cameras(["top"], [of(TOP.camera), of(None)]) == {}
    assert told_cameras(["right"], [of(TOP.camera)]) == {}


def test_a_model_of_pictures_knows_where_its_cameras_stood(tmp_path: Path) -> None:
    root = release(tmp_path / "set", p1=1, p2=2, p3=3)
    settings = make_settings("quick", model="mean", score_minutes=0.01)
    Training(data=root, out=tmp_path / "run", settings=settings).run()
    card, _ = load_model(tmp_path / "run/model.safetensors")
    dataset = open_dataset(root)
    for view in card.streams.landmarks:
        # Two of the three recordings that are trained on are of the first pianist.
        assert view.camera == camera_of(dataset.recording("t1_p1_1"), view.name)
