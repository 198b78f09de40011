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

"""Hands are told apart by where they are and what they play, not by what a tracker calls them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.hand_sides import HandSides
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.bodies import make_performer
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.left_hand import study_of

FRAME_NS = 16_666_667
HAND = find_skeleton("mediapipe-hand")
SHAPE = make_performer(study_of("right"), body="plain").landmarks(np.zeros(1))[0]
SHAPE -= SHAPE[9] * (1, 0, 0)
OTHER = {"left": "right", "right": "left"}
CAMERAS = {
    "top": SimulatedCamera("top", (0.6, -0.02, 0.95), (0.6, -0.02, 0.0), (0.0, 1.0, 0.0), 0.82),
    "front": SimulatedCamera("front", (0.6, 0.9, 0.6), (0.6, 0.0, 0.0), (0.0, 0.0, 1.0), 0.82),
}


class Room:
    """Two hands at places along the keys, seen by cameras whose trackers name them as they like."""

    def __init__(self, views: tuple[str, ...] = ("top",)) -> None:
        self.views = views
        self.cameras = {view: CAMERAS[view] for view in views}
        self.sides = HandSides(self.registration, HAND)
        self.number = 0

    @property
    def registration(self) -> Registration:
        """Where the cameras stand."""
        return Registration({v: RegisteredCamera(one.camera) for v, one in self.cameras.items()})

    def move(self, view: str, along_m: float) -> None:
        """Move a camera along the keys, and register it there."""
        camera = self.cameras[view]
        (x, y, z), (at_x, at_y, at_z) = camera.position, camera.look_at
        self.cameras[view] = replace(
            camera, position=(x + along_m, y, z), look_at=(at_x + along_m, at_y, at_z)
        )
        self.sides.register(self.registration)

    def show(
        self,
        left: float | None,
        right: float | None,
        frames: int = 1,
        wrong: tuple[str, ...] = (),
        play: bool = False,
    ) -> dict[str, dict[str, float]]:
        """Show where the hands really are; views that are `wrong` call each by the other's name.

        Says under which name each hand came out last, by its place, for each view.
        """
        for _ in range(frames):
            self.number += 1
            stamp_ns = self.number * FRAME_NS
            if play and self.number % 6 == 0:
                for at_m in (left, right):
                    self.strike(at_m, stamp_ns)
            found: dict[str, dict[str, float]] = {}
            for view in self.views:
                found[view] = {}
                for side, x in (("left", left), ("right", right)):
                    name = OTHER[side] if view in wrong else side
                    frame = self.frame(view, name, x, stamp_ns)
                    out = self.sides.named(frame)
                    assert x is not None or out.points is None
                    if out.points is not None and x is not None:
                        found[view][out.side] = x
        return found

    def frame(self, view: str, name: str, x: float | None, stamp_ns: int) -> LandmarkFrame:
        points = None
        if x is not None:
            points = self.cameras[view].project(SHAPE + np.array((x, 0, 0))).astype(np.float32)
        return LandmarkFrame(stamp_ns, view, self.number, points, 0.9, side=name)

    def strike(self, x: float | None, stamp_ns: int) -> None:
        if x is not None:
            key = int(np.abs(KEY_X_M - (SHAPE[12, 0] + x)).argmin())
            self.sides.push_key_event(KeyEvent(stamp_ns, 0, KeyEventKind.NOTE_ON, key + 21, 60))


def test_names_that_fit_the_keys_are_kept() -> None:
    room = Room()
    assert room.show(0.4, 0.8, 300, play=True) == {"top": {"left": 0.4, "right": 0.8}}
    assert room.sides.exchanges == 0


def test_a_left_hand_that_plays_right_of_the_right_one_is_the_right_one() -> None:
    room = Room()
    found = room.show(0.4, 0.8, 30, wrong=("top",))
    assert found == {"top": {"right": 0.4, "left": 0.8}}
    room.show(0.4, 0.8, 120, wrong=("top",), play=True)
    assert room.show(0.4, 0.8, 1, wrong=("top",)) == {"top": {"left": 0.4, "right": 0.8}}
    assert room.sides.exchanges == 1


def test_without_playing_a_name_is_not_called_wrong() -> None:
    room = Room()
    room.show(0.4, 0.8, 600, wrong=("top",))
    assert room.sides.exchanges == 0


def test_one_hand_that_plays_says_nothing_of_the_other() -> None:
    room = Room()
    for _ in range(120):
        room.show(0.4, 0.8, 5, wrong=("top",))
        room.strike(0.8, room.number * FRAME_NS)
    assert room.sides.exchanges == 0


def test_hands_that_were_seen_crossing_keep_their_names_however_long_they_play_so() -> None:
    room = Room()
    room.show(0.4, 0.8, 60, play=True)
    for step in np.linspace(0, 1, 60):
        room.show(0.4 + 0.3 * step, 0.8 - 0.3 * step)
    assert room.show(0.7, 0.5, 600, play=True) == {"top": {"left": 0.7, "right": 0.5}}
    assert room.sides.exchanges == 0


def test_the_picture_after_an_exchange_shows_nobody() -> None:
    room = Room()
    for _ in range(200):
        found = room.show(0.4, 0.8, 1, wrong=("top",), play=True)
        if room.sides.exchanges:
            break
    assert found == {"top": {}}


def test_of_cameras_that_differ_the_one_that_saw_both_hands_for_longer_is_believed() -> None:
    room = Room(("top", "front"))
    room.show(0.4, 0.8, 30)
    for step in np.linspace(0, 1, 30):
        room.show(0.4 + 0.3 * step, 0.8 - 0.3 * step)
    # The second camera sees nobody for a while, and then has the names the wrong way round.
    room.views = ("top",)
    room.show(0.7, 0.5, 60)
    room.views = ("top", "front")
    found = room.show(0.7, 0.5, 60, wrong=("front",))
    assert found == {"top": {"left": 0.7, "right": 0.5}, "front": {"left": 0.7, "right": 0.5}}
    assert room.sides.exchanges == 1


@pytest.mark.parametrize("wrong", ["top", "front"])
def test_of_cameras_that_differ_from_the_start_the_uncrossed_one_is_believed(wrong: str) -> None:
    room = Room(("top", "front"))
    found = room.show(0.4, 0.8, 60, wrong=(wrong,))
    assert found == {"top": {"left": 0.4, "right": 0.8}, "front": {"left": 0.4, "right": 0.8}}


def test_where_a_camera_stands_anew_hands_keep_their_names() -> None:
    room = Room()
    room.show(0.4, 0.8, 200, wrong=("top",), play=True)
    assert room.sides.exchanges == 1
    room.move("top", 0.3)
    room.strike(0.4, room.number * FRAME_NS)
    found = room.show(0.4, 0.8, 200, wrong=("top",), play=True)
    assert found == {"top": {"left": 0.4, "right": 0.8}}
    assert room.sides.exchanges == 1


def test_keys_are_found_from_where_a_camera_stands_now() -> None:
    """By the old place, no finger is at the key that it strikes, and nothing is put right."""
    room = Room()
    room.show(0.4, 0.8, 30, wrong=("top",))
    room.move("top", 0.3)
    room.show(0.4, 0.8, 200, wrong=("top",), play=True)
    assert room.show(0.4, 0.8, 1, wrong=("top",)) == {"top": {"left": 0.4, "right": 0.8}}


def test_after_nobody_was_there_a_tracker_names_hands_anew() -> None:
    room = Room()
    room.show(0.4, 0.8, 200, wrong=("top",), play=True)
    assert room.sides.exchanges == 1
    room.show(None, None, 250)
    assert room.show(0.4, 0.8, 30) == {"top": {"left": 0.4, "right": 0.8}}
