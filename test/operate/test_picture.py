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

"""`kpm picture` of a data set's recording, and of a bag."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.chunks import EffortChunk
from kpm_ros.learn.pictures import body_picture
from kpm_ros.sense.samples import LandmarkFrame
from support import bags
from support.body_set import MUSCLES, UNIT, VIEW, standing, write_bodies

T0 = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_bodies(tmp_path_factory.mktemp("set"))


@pytest.fixture
def drawn(monkeypatch):
    """What is handed on to be drawn."""
    clips = []
    monkeypatch.setattr(body_picture, "draw_picture", lambda path, clip, at: clips.append(clip))
    return clips


def test_a_recording_is_drawn_with_what_models_make_of_it(data, tmp_path, capsys):
    out = tmp_path / "body.png"
    words = ["--excerpt", "p1_Squat_2:1-3", "--models", "line=ridge", "--at", "1.5"]
    assert main(["picture", str(data), *words, "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert "picture in" in capsys.readouterr().out


def test_truth_and_estimates_are_of_the_same_moments(data, drawn):
    words = ["--excerpt", "p1_Squat_2:1-3", "--models", "line=ridge", "--out", "x.png"]
    assert main(["picture", str(data), *words]) == 0
    (clip,) = drawn
    assert (clip.start_s, clip.end_s, clip.kind) == (1, 3, "SIMULATED")
    assert clip.title == "p1_Squat_2: Squat, p1"
    assert list(clip.tracks) == ["truth", "line"]
    for at_s in (1.0, 2.2):
        np.testing.assert_allclose(
            clip.tracks["line"].at(at_s), clip.tracks["truth"].at(at_s), atol=0.1
        )
    # The scale is the person's, over all recordings: kicks are no part of squats.
    assert clip.scale.most["LHam"] > 0.5


def test_a_bag_is_drawn_with_its_effort_points_and_pictures(drawn, tmp_path):
    messages = [info(), *landmarks(), *efforts(), *images()]
    bag = bags.write(tmp_path / "live", messages)
    words = ["--excerpt", "0.5-1.5", "--blur-faces", "--out", "x.png"]
    assert main(["picture", str(bag), *words]) == 0
    (clip,) = drawn
    assert (clip.start_s, clip.end_s) == (0.5, 1.5)
    assert clip.kind == "recorded, by a model of SIMULATED people"
    assert list(clip.tracks) == ["body-model"]
    np.testing.assert_allclose(clip.tracks["body-model"].at(1.0)[1], 0.5, atol=1e-3)
    (scene,) = clip.scenes
    assert scene.title == "video"
    np.testing.assert_allclose(scene.movement.at(1.0)[0], in_picture()[0, :2] * (80, 60), atol=1e-3)
    assert scene.images(1.0).shape == (60, 80, 3)


def test_a_bag_without_pictures_shows_a_stick_figure(drawn, tmp_path):
    bag = bags.write(tmp_path / "live", [info(), *landmarks(), *efforts()])
    assert main(["picture", str(bag), "--out", "x.png"]) == 0
    (scene,) = drawn[0].scenes
    assert scene.title == "movement, body-model"
    np.testing.assert_allclose(scene.movement.at(1.0), standing()[:, :2], atol=1e-6)


def in_picture():
    return np.concatenate([standing()[:, :2] * 0.4 + 0.5, standing()[:, 2:]], axis=1)


def landmarks():
    for k in range(60):
        stamp_ns = T0 + k * 33_333_333
        frame = LandmarkFrame(
            stamp_ns,
            "front",
            k,
            in_picture().astype(np.float32),
            1.0,
            skeleton=VIEW.skeleton.name,
            image_size=(80, 60),
            metres=standing().astype(np.float32),
        )
        yield bags.entry(frame, stamp_ns + 1_000_000, {"front": "/kpm/camera/front/landmarks"})


def efforts():
    for k in range(200):
        stamp_ns = T0 + k * 10_000_000
        rows = np.tile((k * 20 + np.arange(20)) / 4000, (8, 1)).T
        chunk = EffortChunk(stamp_ns, k * 20, rows.astype(np.float32), np.zeros(20, np.uint16))
        yield bags.entry(chunk, stamp_ns + 20_000_000, {"chunks": "/kpm/effort/chunks"})


def info():
    kind = "kpm_ros/msg/EffortInfo"
    message = bags.make(
        kind,
        header=bags.header(T0),
        digest=1,
        stream=1,
        muscles=list(MUSCLES),
        unit=UNIT,
        rate_hz=2000.0,
        model="body-model",
        model_sha256="0" * 64,
        trained_on="simulated people",
        streams=["front"],
        skeletons=[VIEW.skeleton.name],
        native_rate_hz=50.0,
        lookahead_s=0.0,
        interval_at=np.zeros(0),
        interval_half=np.zeros(0),
    )
    return "/kpm/effort/info", T0, message, kind


def images():
    kind = "sensor_msgs/msg/Image"
    for k in range(0, 60, 3):
        stamp_ns = T0 + k * 33_333_333
        fields = {"height": 60, "width": 80, "encoding": "rgb8", "is_bigendian": 0, "step": 240}
        message = bags.make(
            kind,
            header=bags.header(stamp_ns),
            data=np.full(60 * 240, 100, np.uint8),
            **fields,
        )
        yield "/kpm/camera/front/image_raw", stamp_ns, message, kind


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--out", "x.gif"], "x.gif must end in one of .png, .svg, .pdf, .mp4"),
        (["--out", "x.mp4", "--at", "1"], "--instants and --at are of a picture"),
        (["--out", "x.png", "--fps", "10"], "--fps is of a video"),
        (["--out", "x.png", "--instants", "0"], "--instants must be from 1 to 20, not 0"),
        (["--out", "x.png", "--at", "soon"], "must be seconds such as 1.2,2.5"),
        (["--out", "x.png", "--at", "7"], "lasts from 0 to 6 s"),
        (["--out", "x.png", "--scale", "loud"], "the scale is 'loud'"),
        (["--out", "x.png", "--view", "top"], "there is no view 'top': there are front"),
        (["--out", "x.png", "--lit", "heart"], "--lit is 'heart', but must be one of: truth"),
        (["--out", "x.png", "--blur-faces"], "give --video FILE"),
        (["--out", "x.png", "--video", "none.mp4"], "none.mp4"),
        (["--out", "x.png", "--models", "truth=mean"], "two bodies would be called 'truth'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(data, words, says, capsys):
    assert main(["picture", str(data), *words]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1


def test_muscles_that_no_body_has_and_bags_without_effort_are_refused(tmp_path, capsys):
    bag = bags.write(tmp_path / "senses", list(landmarks()))
    assert main(["picture", str(bag), "--out", "x.png"]) == 2
    assert "holds no effort: name a model" in capsys.readouterr().err
    assert main(["picture", str(bag), "--out", "x.png", "--models", "touchnet-sim"]) == 2
    assert "the model takes" in capsys.readouterr().err
