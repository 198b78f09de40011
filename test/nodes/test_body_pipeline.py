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

"""A body through the whole graph: a real picture before a camera, tracked, estimated, replayed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from kpm_ros.msg import Landmarks

from kpm_ros.cli import main
from kpm_ros.client import EffortReader
from kpm_ros.core.flags import Flag
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire import decode
from support.bodies import EIGHT, saved_body_model
from support.graph import RunningGraph
from support.waiting import QUEUED, wait_for

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

names = (f"body_{i}" for i in itertools.count())
FPS, GREY = 15, 127
NONE = Flag(0)
LOOP = f"/**/camera_front:\n  ros__parameters:\n    loop: true\n    fps: {FPS}.0\n"


@pytest.fixture
def film(shared, tmp_path):
    """A person who moves, is gone, is back, and hides an arm: pictures to be shown in a round."""
    path = shared / "data/people/pose_landmarker_test_image.jpg"
    if not path.is_file():
        pytest.skip("no picture of a person in the reference data")
    person = cv2.resize(cv2.imread(str(path)), (480, 320))
    folder = tmp_path / "film"
    folder.mkdir()
    for number in range(6 * FPS):
        second = number / FPS
        shift = np.float32([[1, 0, 12 * np.sin(2 * np.pi * second / 3)], [0, 1, 0]])
        picture = cv2.warpAffine(person, shift, (480, 320), borderMode=cv2.BORDER_REPLICATE)
        if 2 <= second < 3:
            picture[:] = 0
        elif second >= 5:
            picture[96:192, :144] = GREY
        cv2.imwrite(str(folder / f"{number:04d}.jpg"), picture)
    return folder


class Seen:
    """What has come so far, in order."""

    def __init__(self, node, namespace):
        self._reader = EffortReader(node, f"/{namespace}/effort", depth=QUEUED)
        self.flags = np.zeros(0, np.int64)
        self.effort = np.zeros((0, len(EIGHT)))

    def take(self):
        batch = self._reader.take()
        if len(batch):
            self.flags = np.concatenate([self.flags, batch.flags])
            self.effort = np.concatenate([self.effort, batch.effort])
        return self

    def first(self, has, lacks=NONE, since=0):
        """Place of the first sample from one on with these flags and without those; -1 = none."""
        found = ((self.flags[since:] & has) == has) & ((self.flags[since:] & lacks) == 0)
        return since + int(found.argmax()) if found.any() else -1


def test_a_person_who_leaves_comes_back_and_hides_an_arm_is_told_and_the_bag_replays(
    node, domain, film, tmp_path, capsys
):
    model, bag = saved_body_model(tmp_path), tmp_path / "bag"
    loop = tmp_path / "loop.yaml"
    loop.write_text(LOOP)
    options = ["subject:=body", f"cameras:={film}", f"model:={model}", "emg:=false"]
    options += ["exo:=false", "gesture:=false"]
    options += [f"params_file:={loop}", f"record:={bag}"]
    with RunningGraph(next(names), options) as graph:
        seen = Seen(node, graph.namespace)
        topic = f"/{graph.namespace}/camera/front/landmarks"
        landmarks = PolledSubscription(node, Landmarks, topic, qos.of("camera/front/landmarks"))

        def round_trip():
            """Valid, lost, warming up, valid, hidden, valid again: after each other."""
            seen.take()
            place = 0
            for has, lacks in (
                (NONE, Flag.INVALID),
                (Flag.POSE_LOST | Flag.INVALID, NONE),
                (Flag.WARMING_UP | Flag.INVALID, Flag.POSE_LOST),
                (NONE, Flag.INVALID),
                (Flag.HIDDEN | Flag.INVALID, Flag.WARMING_UP | Flag.POSE_LOST),
                (NONE, Flag.INVALID),
            ):
                place = seen.first(has, lacks, place)
                if place < 0:
                    return False
            return True

        wait_for(round_trip, "a person who is there, gone, back, and half hidden", 120)
        bodies = [message for message, _ in landmarks.take() if len(message.points)]
        assert graph.stop() == 0, graph.output
    lost = (seen.flags & Flag.POSE_LOST) != 0
    assert (seen.effort[lost] == 0).all(axis=1).any(), "effort decays to nothing"
    told = decode.landmark_frame(bodies[-1])
    assert (told.skeleton, told.side, told.view) == ("mediapipe-body", "", "front")
    assert told.points.shape == told.metres.shape == (33, 3)
    assert told.visibility.shape == (33,)
    assert main(["replay", str(bag), "--model", str(model), "--compare"]) == 0
    assert "%" in capsys.readouterr().out
