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

"""A hand's points in the keyboard's frame, from what registered cameras see of it.

`HandSolver` takes instants one after the other and learns as it goes; `triangulate` solves a whole
recording by it. docs/rooms.md says what is believed of which view, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.hand_instants import HandInstants, Strike
from kpm_ros.align.sights import SEEN_COLUMNS
from kpm_ros.align.space_rules import SpaceRules
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.keyboard import IS_BLACK, KEY_TOP_M, KEY_X_M, NOTES, TRAVEL_M, WHITE_WIDTH_M
from kpm_ros.core.registration import RegisteredCamera
from kpm_ros.core.skeletons import Skeleton

Floats = NDArray[np.floating[Any]]

NOISE_WIDTH_PX = 1280
"""Width of the images whose pixels a tracker's noise is given in."""
BLACK_WIDTH_M = 0.010
TIP_HEIGHT_ERROR_M = 0.005
"""How far a fingertip's landmark may be above or below the key's surface that it presses."""
NEVER_S = 1e9
SPAN_S = 0.5
"""What is learnt is learnt from spans so long, one after the other."""


class HandSolver:
    """Finds points at one instant after the other, and learns the hand's size on the way."""

    def __init__(
        self,
        cameras: Mapping[str, RegisteredCamera],
        skeleton: Skeleton,
        rules: SpaceRules | None = None,
    ) -> None:
        """Know the cameras by their views, in the order in which what they see is handed over."""
        self.views = tuple(cameras)
        self.skeleton = skeleton
        self.rules = rules or SpaceRules()
        self._cameras = list(cameras.values())
        self.reset()

    def reset(self) -> None:
        """Forget the hand."""
        from kpm_ros.align.learn_kernels import SPANS
        from kpm_ros.align.look_kernels import Cameras, Hand, Learnt

        cameras, skeleton = self._cameras, self.skeleton
        views, points, bones = len(cameras), len(skeleton), len(skeleton.bones)
        lengths = np.array(skeleton.lengths_m or [0.0] * bones, np.float64)
        self._known = (
            Cameras(
                np.stack([_lens_table(one) for one in cameras]),
                np.stack([one.camera.position for one in cameras]),
                np.stack([one.camera.turn for one in cameras]),
                np.array([self._slope_error(one) for one in cameras]),
                np.array([one.camera.lens[0] / one.camera.image_size[0] for one in cameras]),
            ),
            Hand(
                np.array(skeleton.bones, np.int64).reshape(-1, 2),
                lengths,
                np.array(skeleton.roles.get("tips", ()), np.int64),
            ),
        )
        self._learnt = Learnt(
            np.ones(views),
            np.full(views, self.rules.hand_size_error),
            np.zeros(views + 1),
            np.zeros((views, points)),
            lengths.copy(),
            np.zeros((SPANS + 1, views + 1, 2 + max(points, bones))),
        )
        self._before = np.zeros((points, 4))
        self._last_ns: int | None = None

    @property
    def hand_sizes(self) -> dict[str, tuple[float, float]]:
        """How large the hand is in each view over the usual one, and the error of that."""
        learnt = self._learnt
        pairs = zip(learnt.scale.tolist(), learnt.scale_error.tolist(), strict=True)
        return dict(zip(self.views, pairs, strict=True))

    def solve(
        self,
        stamps_ns: NDArray[np.int64],
        seen: NDArray[np.float32],
        usable: NDArray[np.bool_],
        *,
        doubt: NDArray[np.float64] | None = None,
        visible_from: float = 0.0,
    ) -> HandInstants:
        """Find the points at instants in order, none before those of the call before.

        `seen` is (instants, views, points, 4), see SEEN_COLUMNS; `usable` and `doubt`, which is
        an error in metres beside the tracker's, are (instants, views).
        """
        gaps_s = _gaps_s(stamps_ns)
        if len(stamps_ns):
            first_s = (int(stamps_ns[0]) - (self._last_ns or 0)) / NS_PER_S
            gaps_s[0] = NEVER_S if self._last_ns is None else first_s
            self._last_ns = int(stamps_ns[-1])
        doubt = np.zeros(usable.shape) if doubt is None else doubt
        return self._run(gaps_s, seen, usable, doubt, visible_from, (), self._before, learns=False)

    def learn(
        self,
        stamps_ns: NDArray[np.int64],
        seen: NDArray[np.float32],
        usable: NDArray[np.bool_],
        *,
        visible_from: float = 0.0,
        strikes: Sequence[Strike] = (),
    ) -> None:
        """Look back on a span of instants, and know the hand better from the next call on."""
        from kpm_ros.align.learn_kernels import take_over

        gaps_s = _gaps_s(stamps_ns)
        doubt, before = np.zeros(usable.shape), np.zeros_like(self._before)
        self._run(gaps_s, seen, usable, doubt, visible_from, strikes, before, learns=True)
        take_over(self._limits(visible_from), self._learnt)

    def _run(
        self,
        gaps_s: NDArray[np.float64],
        seen: NDArray[np.float32],
        usable: NDArray[np.bool_],
        doubt: NDArray[np.float64],
        visible_from: float,
        strikes: Sequence[Strike],
        before: NDArray[np.float64],
        learns: bool,
    ) -> HandInstants:
        from kpm_ros.align.triangulation_kernels import solve_hands

        found = self.nothing(len(gaps_s))
        if len(gaps_s):
            solve_hands(
                gaps_s,
                int(learns),
                np.ascontiguousarray(seen, np.float32),
                np.ascontiguousarray(usable, np.uint8),
                doubt,
                _strike_table(strikes),
                *self._known,
                self._limits(visible_from),
                self._learnt,
                before,
                found.points,
                found.covariance,
                found.used,
                found.found.view(np.uint8),
            )
        return found

    def _limits(self, visible_from: float) -> Any:
        from kpm_ros.align.look_kernels import Limits

        rules = self.rules
        return Limits(
            rules.outlier_sigma**2, rules.depth_noise, rules.hand_size_error, visible_from
        )

    def warm_up(self) -> None:
        """Compile what has not been, before anybody waits for it."""
        views = len(self.views)
        seen = np.zeros((1, views, len(self.skeleton), SEEN_COLUMNS), np.float32)
        self.learn(np.zeros(1, np.int64), seen, np.zeros((1, views), np.bool_))
        self.reset()

    def nothing(self, instants: int) -> HandInstants:
        """What is known of instants at which nothing was found."""
        points = len(self.skeleton)
        return HandInstants(
            np.zeros((instants, points, 3)),
            np.zeros((instants, points, 6)),
            np.zeros((instants, len(self.views), points), np.uint8),
            np.zeros(instants, np.bool_),
        )

    def _slope_error(self, one: RegisteredCamera) -> float:
        """Error of a ray, as a slope: the tracker's, and that of the camera's place."""
        width, focal = one.camera.image_size[0], one.camera.lens[0]
        pixels = np.hypot(self.rules.noise_px * width / NOISE_WIDTH_PX, one.error_px)
        return float(pixels / focal)


def triangulate(
    cameras: Mapping[str, RegisteredCamera],
    skeleton: Skeleton,
    stamps_ns: NDArray[np.int64],
    seen: Floats,
    usable: NDArray[np.bool_] | None = None,
    rules: SpaceRules | None = None,
    strikes: Sequence[Strike] = (),
) -> HandInstants:
    """Find a hand's points in a whole recording.

    `seen` is (instants, views, points, 2 to 4): x and y as fractions of the image, relative depth
    and visibility where they are known. Where `usable` is not given, a view is that has finite
    values.

    >>> from kpm_ros.core.camera_model import Camera
    >>> from kpm_ros.core.skeletons import find_skeleton
    >>> above = Camera((1280, 720), (1050.0, 1050.0, 640.0, 360.0), translation=(0.0, 0.0, 1.0))
    >>> beside = above.at(np.array([[0, 0, -1.0], [0, 1, 0], [1, 0, 0]]), np.array([0, 0, 1.0]))
    >>> cameras = {"top": RegisteredCamera(above), "right": RegisteredCamera(beside)}
    >>> tips = np.array([[0.1 * k, 0.0, 0.05] for k in range(5)])
    >>> seen = np.stack([one.camera.project(tips) for one in cameras.values()])[None]
    >>> found = triangulate(cameras, find_skeleton("fingertips"), np.array([0]), seen)
    >>> bool(np.allclose(found.points[0], tips, atol=1e-4))
    True
    """
    seen = np.asarray(seen, np.float32)
    if usable is None:
        usable = np.isfinite(seen).all(axis=(-2, -1))
    whole = np.zeros((*seen.shape[:3], SEEN_COLUMNS), np.float32)
    whole[..., 3] = 1.0
    whole[..., : seen.shape[-1]] = np.where(usable[..., None, None], seen, 0.0)
    solver, found = HandSolver(cameras, skeleton, rules), []
    turns = np.flatnonzero(np.diff(stamps_ns // round(SPAN_S * NS_PER_S))) + 1
    for span in map(slice, (0, *turns), (*turns, len(stamps_ns))):
        found.append(solver.solve(stamps_ns[span], whole[span], usable[span]))
        within = [
            Strike(instant - span.start, note)
            for instant, note in strikes
            if span.start <= instant < span.stop
        ]
        solver.learn(stamps_ns[span], whole[span], usable[span], strikes=within)
    return HandInstants.joined(found)


def _gaps_s(stamps_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """How long each instant is after the one before it; the first, not at all."""
    gaps_s = np.zeros(len(stamps_ns))
    gaps_s[1:] = (stamps_ns[1:] - stamps_ns[:-1]) / NS_PER_S
    return gaps_s


def _lens_table(one: RegisteredCamera) -> NDArray[np.float64]:
    """Slopes of what is seen on a lattice of places in and around the image."""
    from kpm_ros.align.look_kernels import LENS_CELLS, LENS_MARGIN

    line = np.linspace(-LENS_MARGIN, 1.0 + LENS_MARGIN, LENS_CELLS + 1)
    places = np.stack(np.meshgrid(line, line), axis=-1)
    return np.ascontiguousarray(np.nan_to_num(one.camera.slopes(places), posinf=0.0, neginf=0.0))


def _strike_table(strikes: Sequence[Strike]) -> NDArray[np.float64]:
    """Where keys are that are down, and at which of some instants to look."""
    rows = []
    for instant, note in strikes:
        if note in NOTES:
            key = note - NOTES[0]
            width_m = BLACK_WIDTH_M if IS_BLACK[key] else WHITE_WIDTH_M
            bottom_m = KEY_TOP_M[key] - TRAVEL_M
            rows.append((instant, KEY_X_M[key], bottom_m, width_m / 3, TIP_HEIGHT_ERROR_M))
    return np.array(rows, np.float64).reshape(-1, 5)
