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

"""Pictures and videos of bodies whose muscles light up."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from kpm_ros.learn.pictures.body_outline import outline, sided
from kpm_ros.learn.pictures.body_picture import BodyPanel, draw_picture, make_rows
from kpm_ros.learn.pictures.body_video import draw_video
from kpm_ros.learn.pictures.clip import SIMULATED, Clip, Scene, Track
from kpm_ros.learn.pictures.effort_colours import BODY_COLOUR, effort_map, effort_scale
from kpm_ros.learn.pictures.stick_figure import Movement, on_body
from kpm_ros.learn.pictures.video_images import KeptImages, VideoImages, face_hidden
from support.body_set import MUSCLES, UNIT, VIEW, make_body, standing

BODY = make_body(1, "Squat", 1)
EFFORT = BODY.truth.values
TIMES = np.arange(len(EFFORT)) / BODY.truth.rate_hz
SCALE = effort_scale("1", MUSCLES, [EFFORT], UNIT)


def clip(**given) -> Clip:
    fields = {
        "title": "p1_Squat_1",
        "kind": SIMULATED,
        "muscles": MUSCLES,
        "scale": SCALE,
        "tracks": {"truth": Track(TIMES, EFFORT), "ours": Track(TIMES, 0 * EFFORT)},
        "scenes": (Scene("movement", Movement.of(BODY.series[0]), lit="truth"),),
        "start_s": 0.0,
        "end_s": 1.0,
    }
    return Clip(**{**fields, **given})


# Machado, Oliveira and Fernandes (2009): what is seen without one kind of cones, in linear RGB.
BLIND = {
    "nobody": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def lab(rgb, sight):
    """CIE Lab of sRGB colours as somebody sees them."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(BLIND[sight]).T, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = seen @ np.array(to_xyz).T / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    axes = 116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])
    return np.stack(axes, axis=1)


@pytest.mark.parametrize("sight", BLIND)
def test_colours_of_effort_are_told_apart_by_the_colour_blind(sight):
    colours = lab(effort_map()(np.linspace(0, 1, 11))[:, :3], sight)
    lightness = np.diff(colours[:, 0])
    assert (lightness > 4).all()
    # Evenly, so that twice the step looks like twice the difference.
    assert lightness.max() < 3 * lightness.min()
    rest = lab(np.array([to_rgb(BODY_COLOUR)]), sight)
    assert np.linalg.norm(colours - rest, axis=1).min() > 10


def test_muscles_are_found_by_the_names_that_data_sets_give_them():
    words = ["LQuad", "left_hams", "RLat", "biceps_r", "right triceps", "LTriceps", "l_calf"]
    found = outline().find([*words, "heart"])
    assert {name: (one.name, one.side, one.view) for name, one in found.items()} == {
        "LQuad": ("quadriceps", "L", "front"),
        "left_hams": ("hamstrings", "L", "back"),
        "RLat": ("latissimus", "R", "back"),
        "biceps_r": ("biceps", "R", "front"),
        "right triceps": ("triceps", "R", "back"),
        "LTriceps": ("triceps", "L", "back"),
        "l_calf": ("calf", "L", "back"),
    }
    assert sided("quads") == []
    with pytest.raises(ValueError, match="none of the muscles ADM, PB is one that the body's"):
        outline().find(["ADM", "PB"])


def test_muscles_lie_within_the_body_and_left_mirrors_right():
    from matplotlib.path import Path

    body = Path(outline().contours[0])
    for region in outline().regions:
        assert body.contains_points(region.contour, radius=0.06).all(), region.name
        assert (region.contour[:, 0].mean() > 0) == (region.side == "L")


def test_each_muscle_has_the_colour_of_its_effort_and_its_own_place():
    ax = Figure().subplots()
    panel = BodyPanel(ax, MUSCLES, "truth")
    levels = dict(zip(MUSCLES, np.linspace(0, 1, 8), strict=True))
    panel.show(levels)
    for muscle, patch in panel._patches.items():
        assert patch.get_facecolor() == pytest.approx(effort_map()(levels[muscle]))
    at = {name: patch.get_xy().mean(axis=0) for name, patch in panel._patches.items()}
    # From the front the left is at the reader's right, from behind at the reader's left.
    assert at["RQuad"][0] < 0 < at["LQuad"][0]
    assert at["LHam"][0] < 3.7 < at["RHam"][0]
    assert at["LBicep"][1] < at["LQuad"][1]


def test_muscles_are_laid_along_the_limbs_of_whoever_is_seen():
    skeleton = VIEW.skeleton
    points = standing()[:, :2]
    knee, hip = (skeleton.points.index(f"left_{name}") for name in ("knee", "hip"))
    regions = list(outline().find(MUSCLES).values())
    laid = on_body(skeleton, points, regions)
    assert {one.name for one in laid} == {"quadriceps", "biceps"}
    (quad,) = (laid[one] for one in laid if (one.name, one.side) == ("quadriceps", "L"))
    assert points[hip, 1] - 0.02 < quad[:, 1].min() < quad[:, 1].max() < points[knee, 1]
    assert abs(quad[:, 0].mean() - points[[hip, knee], 0].mean()) < 0.03
    # Seen from behind, the other muscles are seen; with a leg lifted, they are where the leg is.
    behind = points * (-1, 1)
    laid = on_body(skeleton, behind, regions)
    assert {one.name for one in laid} == {"hamstrings", "latissimus"}
    (lat,) = (laid[one] for one in laid if (one.name, one.side) == ("latissimus", "L"))
    # On the trunk, from the side that is now at the picture's left towards the spine.
    assert -0.19 < lat[:, 0].min() < lat[:, 0].max() < 0.02
    lifted = points.copy()
    lifted[knee] = points[hip] + (0.42, 0)
    laid = on_body(skeleton, lifted, regions)
    (quad,) = (laid[one] for one in laid if (one.name, one.side) == ("quadriceps", "L"))
    assert points[hip, 0] - 0.02 < quad[:, 0].min() < quad[:, 0].max() < lifted[knee, 0]


def test_a_scale_is_of_the_person_or_as_the_paper_has_it_or_a_number():
    efforts = [np.array([[0.1, 2.0], [0.5, 4.0]]), np.array([[0.3, 6.0], [0.3, 5.0]])]
    person = effort_scale("person", ("a", "b"), efforts, "counts")
    assert (person.of("a", 0.25), person.of("b", 6), person.of("b", 9)) == (0.5, 1, 1)
    paper = effort_scale("paper", ("a", "b"), efforts, "counts")
    assert paper.of("b", 2) == 0
    assert paper.of("b", 2 + 0.25 * 6) == pytest.approx(0.5)
    assert paper.of("b", 5.1) == 1
    fixed = effort_scale("2", ("a", "b"), efforts, "counts")
    assert fixed.of("b", 1) == 0.5
    for scale in (person, paper, fixed):
        assert "counts" in scale.words
    for word in ("0", "-1", "inf", "most"):
        with pytest.raises(ValueError, match="must be person or paper, or a number above 0"):
            effort_scale(word, ("a", "b"), efforts, "counts")
    still = effort_scale("person", ("a",), [np.zeros((3, 1))], "counts")
    assert still.of("a", 0) == 0


def test_a_picture_says_what_it_is_of_and_in_which_unit(tmp_path):
    path = tmp_path / "pictures" / "body.svg"
    draw_picture(path, clip(), [0.2, 0.8])
    text = path.read_text()
    for words in ("p1_Squat_1, SIMULATED", "truth", "ours", "front", "back", "0.20 s", "0.80 s"):
        assert f"<!-- {words}" in text, words
    assert f"<!-- effort: 1 is 1 ({UNIT})" in text


def test_a_moment_in_which_nobody_was_seen_shows_no_figure():
    movement = Movement(VIEW.skeleton, np.array([0.0]), np.full((1, 33, 2), np.nan))
    _, (row,) = make_rows(clip(scenes=(Scene("movement", movement, lit="truth"),)), 1)
    row.show(0.0)
    assert all(len(line.get_xdata()) == 0 for line in row.scenes[0]._lines)
    # A short loss is bridged, a long one is not.
    points = np.stack([standing()[:, :2]] * 2)
    movement = Movement(VIEW.skeleton, np.array([0.0, 5.0]), points)
    assert movement.at(0.3) is not None
    assert movement.at(2.0) is None


def frames_of(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        found, frame = capture.read()
        if not found:
            return frames, capture.get(cv2.CAP_PROP_FPS)
        frames.append(frame)


def test_a_video_lights_up_as_the_picture_does(tmp_path):
    path = tmp_path / "body.mp4"
    told = []
    count = draw_video(path, clip(), 10, lambda: told.append(1))
    frames, fps = frames_of(path)
    assert (count, len(told), len(frames), fps) == (10, 10, 10, 10)
    assert [one.name for one in tmp_path.iterdir()] == ["body.mp4"]
    # The brightest moment of a squat is brighter in the picture than the darkest.
    light = [int(EFFORT[2 * k, 0] * 1000) for k in range(10)]
    sums = [frame.astype(float).sum() for frame in frames]
    assert np.argmax(sums) == np.argmax(light)
    for fps in (5, 60):
        with pytest.raises(ValueError, match="a video has 10 to 30 pictures a second"):
            draw_video(path, clip(), fps)


def test_a_video_file_is_drawn_over_at_its_own_times(tmp_path):
    path = tmp_path / "shades.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (64, 48))
    for shade in range(0, 250, 25):
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    images = VideoImages(path, offset_s=1.0)
    for at_s, shade in ((0.0, None), (1.0, 0), (1.35, 75), (1.9, 225), (9.0, 225)):
        image = images(at_s)
        assert (image is None) == (shade is None)
        if image is not None:
            assert abs(float(image.mean()) - shade) < 8
    text = tmp_path / "list.mp4"
    text.write_text("#EXTM3U\nhttp://elsewhere/x.mp4\n")
    with pytest.raises(ValueError, match="cannot be read as a video: it is text"):
        VideoImages(text)


def test_a_face_is_made_unrecognisable_and_where_it_is_unknown_everything(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    kept = KeptImages()
    kept.add(0.0, noise)
    points = standing()[None, :, :2] * 100 + (100, 90)
    movement = Movement(VIEW.skeleton, np.array([0.0]), points)
    plain, hidden = kept(0.0), face_hidden(kept, movement)(0.0)
    nose = points[0, 0].round().astype(int)
    face = (slice(nose[1] - 5, nose[1] + 6), slice(nose[0] - 5, nose[0] + 6))
    assert plain[face].std() > 30
    assert hidden[face].std() < 15
    np.testing.assert_array_equal(hidden[100:], plain[100:])
    # From the side no width is left, of shoulders or face: then the trunk tells how large it is.
    narrow = Movement(VIEW.skeleton, np.array([0.0]), (points - 100) * (0.01, 1) + 100)
    assert face_hidden(kept, narrow)(0.0)[nose[1] - 10 : nose[1] + 10, 95:106].std() < 15
    nobody = Movement(VIEW.skeleton, np.array([0.0]), np.full_like(points, np.nan))
    assert face_hidden(kept, nobody)(0.0).std() < 15
    assert face_hidden(kept, None)(0.0).std() < 15
    # Of a head that is one point, nobody knows how large the face is.
    point = Movement(replace(VIEW.skeleton, roles={}), np.array([0.0]), np.full_like(points, 100.0))
    assert face_hidden(kept, point)(0.0).std() < 15


def test_pictures_that_were_recorded_out_of_order_are_shown_at_their_own_times():
    kept = KeptImages()
    for at_s, shade in ((0.2, 100), (0.0, 0), (0.1, 50)):
        kept.add(at_s, np.full((8, 8, 3), shade, np.uint8))
    assert [round(float(kept(at_s).mean())) for at_s in (0.05, 0.15, 0.25)] == [0, 50, 100]
