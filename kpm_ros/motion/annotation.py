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

"""From what a tracker saw of both hands in a video to their clean movement, in metres and angles.

Where the keyboard is in the picture it tells where the camera stands and how large everything is,
and the movement is in the keyboard's frame. Where it is not, hands are taken to be as large as an
average adult's, and the movement is in the axes of the published camera.

One camera does not tell how high a hand is: hands are taken to be `LEVEL_M` above the keys. How far
each point is before or behind the wrist is MediaPipe's guess, which from above has fingertips above
the wrist; it counts for little beside what joints can do. Landmarks of the movement are those of
the posed hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.finder import NoKeyboardError, find_keyboard
from kpm_ros.align.keyboard_finder.lenses import Lens
from kpm_ros.align.keyboard_finder.note_names import Piano, with_notes
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.motion.hand_kinematics import KNUCKLES, HandKinematics
from kpm_ros.motion.pose_beliefs import PoseBeliefs
from kpm_ros.motion.posing import posed
from kpm_ros.motion.published_camera import FOCAL_PX, IMAGE_SIZE
from kpm_ros.motion.video_hands import SeenHands
from kpm_ros.sense.hands.hand_identity import HANDS
from kpm_ros.sense.samples import HAND
from kpm_ros.sense.tracking.cleanup import clean_recording

Array = NDArray[np.float64]

LEVEL_M = 0.03
"""How high above the white keys the middle of a playing hand's landmarks is."""
ACROSS_M, DEPTH_M = 0.003, 0.04
"""Error of a landmark across the picture, and of its guessed depth."""
CLIP_S, EVERY_S = 30.0, 24.0
"""As published: clips of this length, one begins every so often."""
SHORTEST_CLIP_S = 8.0
"""What is left at the end is a clip as well if it is no shorter: as long as models look at."""
LEAST_VISIBLE = 0.8
_ODD_RUN = 15
"""Tracking of fast hands shows a hand's other side for some pictures; half a second is no error."""
_LOOKS_DOWN = -0.7
"""Cosine between up and the way a camera looks that is above the keys."""
_INDEX, _LITTLE = KNUCKLES[1], KNUCKLES[4]
(_WRIST,) = find_skeleton(HAND).role("root")


@dataclass(frozen=True)
class TrackingFigures:
    """How well both hands were tracked, from above."""

    both_hands_fraction: float
    """Of pictures in which both hands were seen."""
    both_hands_cleaned: float
    """The same after short gaps were filled and short runs dropped."""
    turned_over: int
    """Hands left out of single pictures, since fast fingers looked like a hand turned over."""
    swapped: int
    """Pictures in which hands look as if they had each other's names, by the order of their
    knuckles seen from above: both at once, or one for half a second."""
    jitter_before_mm: float
    """Shaking from picture to picture: root mean square of how far points are off the straight line
    through the pictures before and after, as the error of one point."""
    jitter_after_mm: float
    residual_mm: float
    """Root mean square of how far the posed hand is from clean points, across the picture."""


class Annotated(NamedTuple):
    """A video's movement, and how sure it is."""

    motion: HandMotion
    sizes: Mapping[str, float]
    """By side: how large each hand is, relative to an average adult's."""
    figures: TrackingFigures
    camera: Camera | None
    """Where it stands at the keyboard; None where no keyboard was found."""
    doubt: str
    """Why no keyboard was found; empty where one was."""


def annotate(
    seen: SeenHands,
    pictures: Sequence[NDArray[np.uint8]],
    title: str = "",
    camera: Camera | None = None,
) -> Annotated:
    """Clean, place and pose what was seen.

    Where the camera is not registered, the keyboard is looked for in some pictures (blue, green,
    red). A MotionError says that no hand was seen.
    """
    if not seen.seen.any():
        raise MotionError(f"no hand was seen in any of {len(seen.seen)} pictures")
    doubt = ""
    if camera is None:
        camera, doubt = _camera(pictures, seen.image_size)
    believed = _believed(seen, camera)
    clean = {side: clean_recording(points) for side, points in believed.items()}
    lift = _Lift(camera, seen)
    at = _steady(seen.times_s, seen.rate_hz)
    hands: dict[str, OneHandMotion] = {
        side: _hand(lift.landmarks(points)).between(at) for side, points in clean.items()
    }
    frame = CAMERA if camera is None else KEYBOARD
    start = float(seen.times_s[0])
    motion = HandMotion(seen.rate_hz, hands, start, frame, title=title, source="video")
    found = posed(motion, _beliefs(camera))
    held = found.held()
    both = np.logical_and(*(hand.visible for hand in held.hands.values()))
    off = [
        lift.apart_m(held.hands[side].known()["landmarks"], motion.hands[side].known()["landmarks"])
        for side in HANDS
    ]
    figures = TrackingFigures(
        float(seen.seen.all(axis=1).mean()),
        float(both.mean()),
        int(
            seen.seen.sum() - sum(np.isfinite(each).all((1, 2)).sum() for each in believed.values())
        ),
        swapped(seen),
        1e3 * lift.jitter_m({side: seen.hand(side) for side in HANDS}),
        1e3 * lift.jitter_m(clean),
        1e3 * float(np.sqrt(np.nanmean(np.square(np.concatenate(off))))),
    )
    return Annotated(held, found.sizes, figures, camera, doubt)


def clips(motion: HandMotion) -> Iterator[tuple[HandMotion, float]]:
    """Cut a movement into clips as published, each with the part in which both hands are visible.

    Those under `LEAST_VISIBLE` are among them: whoever writes them leaves them out.
    """
    begin = 0.0
    while motion.duration_s - begin >= SHORTEST_CLIP_S or begin == 0.0:
        start = motion.start_s + begin
        clip = motion.cut(start, start + CLIP_S)
        both = np.logical_and.reduce([hand.visible for hand in clip.hands.values()])
        yield clip, float(both.mean())
        begin += EVERY_S


def swapped(seen: SeenHands) -> int:
    """Count the pictures in which hands look as if they had each other's names, from above."""
    odd = list(_turned_over(seen).values())
    lasting = [_lasting(each) for each in odd]
    return int((np.logical_and(*odd) | np.logical_or(*lasting)).sum())


def _turned_over(seen: SeenHands) -> dict[str, NDArray[np.bool_]]:
    """By side, in which pictures a hand seen from above has the knuckles of the other one."""
    odd: dict[str, NDArray[np.bool_]] = {}
    for side in HANDS:
        flat = seen.hand(side)[..., :2] * seen.image_size
        index, little = flat[:, _INDEX] - flat[:, _WRIST], flat[:, _LITTLE] - flat[:, _WRIST]
        across = index[:, 0] * little[:, 1] - index[:, 1] * little[:, 0]
        odd[side] = np.asarray(across < 0 if side == RIGHT else across > 0)
    return odd


def _believed(seen: SeenHands, camera: Camera | None) -> dict[str, NDArray[np.float32]]:
    """Both hands without the glimpses in which blurred fingers look like a hand turned over.

    Only of a camera that is known to look down can that be told.
    """
    points = {str(side): seen.hand(side).copy() for side in HANDS}
    if camera is not None and camera.turn[2, 2] < _LOOKS_DOWN:
        for side, odd in _turned_over(seen).items():
            points[side][odd & ~_lasting(odd)] = np.nan
    return points


def _lasting(odd: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those that are in a run of at least `_ODD_RUN`."""
    window = np.convolve(odd, np.ones(_ODD_RUN), "valid") >= _ODD_RUN
    return np.convolve(window, np.ones(_ODD_RUN)) > 0 if len(odd) >= _ODD_RUN else odd & False


def _camera(
    pictures: Sequence[NDArray[np.uint8]], size: tuple[int, int]
) -> tuple[Camera | None, str]:
    try:
        return with_notes(find_keyboard(pictures, Lens.assumed(*size)), Piano()).camera, ""
    except NoKeyboardError as error:
        return None, str(error)


def _steady(times_s: Array, rate_hz: float) -> Array:
    """Where the frames of a steady rate lie among those that were seen, counted from the first."""
    span = times_s[-1] - times_s[0]
    wanted = times_s[0] + np.arange(round(span * rate_hz) + 1) / rate_hz
    at = np.interp(wanted, times_s, np.arange(len(times_s)))
    nearest = np.round(at)
    # Containers round their times; frames that are steady but for that are taken as they are.
    return np.asarray(nearest if np.abs(at - nearest).max() < 0.1 else at, np.float64)


def _hand(landmarks: Array) -> OneHandMotion:
    points = landmarks.astype(np.float32)
    return OneHandMotion(np.isfinite(points).all(axis=(1, 2)), landmarks=points)


def _beliefs(camera: Camera | None) -> PoseBeliefs:
    across = np.array([ACROSS_M, ACROSS_M, DEPTH_M])
    turn = np.eye(3) if camera is None else camera.turn
    spread = np.sqrt(np.square(turn).T @ np.square(across))
    if camera is None:
        return PoseBeliefs(landmark_m=spread, forearm_rad=None)
    return PoseBeliefs(landmark_m=spread)


class _Lift:
    """Takes points of a picture into space."""

    def __init__(self, camera: Camera | None, seen: SeenHands) -> None:
        self._width, self._height = seen.image_size
        self._known = camera is not None
        if camera is None:
            focal = FOCAL_PX * self._width / IMAGE_SIZE[0]
            middle = ((self._width - 1) / 2, (self._height - 1) / 2)
            camera = Camera(seen.image_size, (focal, focal, *middle))
        self._camera = camera
        self._m_per_px = self._scale(seen)

    def landmarks(self, points: NDArray[np.floating[Any]]) -> Array:
        """Landmarks (n, 21, 3) in metres of points of the picture."""
        camera = self._camera
        slopes = camera.slopes(points)
        middle = slopes.mean(axis=1)
        focal = camera.lens[0]
        if self._known:
            level = camera.on_level(middle, LEVEL_M)
            at = np.concatenate([level, np.full((len(level), 1), LEVEL_M)], axis=1)
            away = camera.in_optical_frame(at)[:, 2]
        else:
            away = np.full(len(points), focal * self._m_per_px)
        # Depth is told in the picture's widths, from the wrist on.
        told = (points[..., 2] - points[..., 2].mean(axis=1, keepdims=True)) * self._width / focal
        depth = away[:, None] * (1 + told)
        seen = np.concatenate([slopes, np.ones_like(slopes[..., :1])], axis=-1) * depth[..., None]
        if not self._known:
            return np.asarray(seen)
        return np.asarray((seen - np.array(camera.translation)) @ camera.turn)

    def apart_m(self, one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> Array:
        """How far points of space are from others across the picture: (n, 21)."""
        # Without a known camera, space has the axes of this one.
        pixels = [self._camera.pixels(points.astype(np.float64)) for points in (one, other)]
        return np.asarray(np.linalg.norm(pixels[0] - pixels[1], axis=2) * self._m_per_px)

    def jitter_m(self, hands: dict[Any, NDArray[np.float32]]) -> float:
        """Shaking of points in the picture, in metres at the hand."""
        bent = [
            np.diff(points[..., :2].astype(np.float64) * (self._width, self._height), 2, axis=0)
            for points in hands.values()
        ]
        # A point's own error counts once, that of the one beside it twice, and the next once.
        square = np.nanmean(np.square(np.concatenate(bent))) / 6.0
        return float(np.sqrt(2.0 * square)) * self._m_per_px

    def _scale(self, seen: SeenHands) -> float:
        """Metres a pixel at the hands."""
        if self._known:
            camera = self._camera
            away = float(np.abs(camera.position[2] - LEVEL_M) / np.abs(camera.turn[2, 2]))
            return away / camera.lens[0]
        flat = np.concatenate([seen.hand(side) for side in (LEFT, RIGHT)])
        flat = flat * (self._width, self._height, self._width)
        palm = np.linalg.norm(flat[:, KNUCKLES[1:]] - flat[:, [_WRIST]], axis=2)
        still = HandKinematics().move(np.zeros((1, 3)), np.eye(3)[None], np.zeros((1, 23)))
        usual = np.linalg.norm(still.points[0, KNUCKLES[1:]], axis=1)
        return float(np.median(usual / np.nanmedian(palm, axis=0)))
