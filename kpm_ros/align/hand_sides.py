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

"""Which of two hands is which, by where they are along the keys and what they play.

A tracker follows hands through its pictures, but must guess from their looks which of two that come
into sight is the left one. Where it is registered where its camera stands, more is known:

- A left hand that plays to the right of the right one, and was never seen to cross over, is the
  right one. Hands that were seen to cross keep their names for as long as both stay in sight.
- Two cameras see the same hands. Of two that tell their order differently for a while, the one in
  whose sight both have been for longer is believed; of two alike, the one that sees them uncrossed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.core.streams import Streams
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame

PALM_M, TIP_M = 0.04, 0.0
"""About how high above the keys a palm is, and a fingertip that plays."""
FLATTEST = 0.1
"""A line of sight that goes down by less than this part of its length meets the keys nowhere."""


@dataclass(frozen=True)
class SideRules:
    """What is believed of where two hands are."""

    apart_m: float = 0.04
    """Hands nearer to each other than this are in no order."""
    in_sight_s: float = 0.5
    """A hand that was seen within this time is in sight."""
    forgotten_s: float = 3.0
    """After this long without any hand, a tracker names hands anew."""
    on_key_m: float = 0.02
    """A fingertip so near to the middle of a key that goes down may have played it."""
    notes: int = 12
    """So many notes played by crossed hands that nobody saw crossing exchange their names ..."""
    notes_each: int = 4
    """... if each hand has played so many of them."""
    differ_s: float = 0.5
    """Cameras that tell the order differently for so long do not have the same names."""
    together_s: float = 0.25
    """Cameras that came to see both hands within this time have seen them for equally long."""


@dataclass
class _View:
    """What one camera has told of two hands, under the names that its tracker gives them."""

    camera: Camera
    exchanged: bool = False
    """Whether those names are the wrong way round."""
    seen_ns: dict[str, int] = field(default_factory=dict)
    palms: dict[str, float] = field(default_factory=dict)
    """Place along the keys."""
    tips: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    met_ns: int | None = None
    """Since when both hands have been in sight without a break, and their order known."""
    order: int = 0
    """1: the right hand is right of the left one, -1: left of it."""
    met_crossed: bool = False
    """Whether hands were crossed when they came into sight, so that nobody saw them crossing."""
    played: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    """Notes that each hand has played in this order."""
    differs_ns: int | None = None
    """Since when another camera has told it differently."""
    newest_ns: int = -1
    exchanged_ns: int = -1

    @property
    def crossed(self) -> bool:
        """Whether the hands, as they are called now, are the wrong way round."""
        return (self.order < 0) != self.exchanged

    def in_sight(self, now_ns: int, within_s: float) -> int:
        """How many hands are in sight."""
        within_ns = round(within_s * NS_PER_S)
        return sum(now_ns - stamp_ns <= within_ns for stamp_ns in self.seen_ns.values())

    def in_order(self, order: int) -> None:
        """Begin to count what the hands play in this order."""
        self.order = order
        self.played = dict.fromkeys(SIDES, 0)

    def stand_elsewhere(self, camera: Camera) -> None:
        """See by another camera from now on; where hands were by the old one is not believed."""
        self.camera = camera
        self.palms.clear()
        self.tips.clear()
        self.met_ns = self.differs_ns = None

    def exchange(self, now_ns: int) -> None:
        """Call each hand by the other's name from now on."""
        self.exchanged = not self.exchanged
        self.exchanged_ns = now_ns
        self.met_crossed = False
        self.differs_ns = None
        self.in_order(self.order)


class HandSides:
    """Calls the hands of frames by their right names; frames come in the order of receipt."""

    def __init__(
        self, registration: Registration, skeleton: Skeleton, rules: SideRules | None = None
    ) -> None:
        """Know nothing of any hand yet."""
        self.exchanges = 0
        """How often names were exchanged."""
        self._rules = rules or SideRules()
        self._palm, self._tips = list(skeleton.role("palm")), list(skeleton.role("tips"))
        self._heights_m = np.array([PALM_M, *(TIP_M for _ in self._tips)])
        self._views = {view: _View(one.camera) for view, one in registration.cameras.items()}

    def register(self, registration: Registration) -> None:
        """Let the same cameras stand elsewhere: names stay, and places are looked for anew."""
        for name, view in self._views.items():
            camera = registration.cameras[name].camera
            if camera is not view.camera:
                view.stand_elsewhere(camera)

    def reset(self) -> None:
        """Forget every hand."""
        self._views = {name: _View(view.camera) for name, view in self._views.items()}

    def named(self, frame: LandmarkFrame) -> LandmarkFrame:
        """Give a frame with the side that its hand is of.

        Where names have just been exchanged it shows nobody: no line joins one hand to the other.
        """
        view = self._views.get(frame.view)
        if view is None or frame.side not in SIDES:
            return frame
        if frame.stamp_ns > view.newest_ns:
            # Decided between pictures: both hands of one are called by the same names.
            view.newest_ns = frame.stamp_ns
            self._decide(view, frame.stamp_ns)
        if frame.points is not None:
            self._look(view, frame)
        if view.exchanged:
            frame = replace(frame, side=SIDES[1 - SIDES.index(frame.side)])
        if frame.stamp_ns == view.exchanged_ns:
            frame = replace(frame, points=None, metres=None, visibility=None, confidence=0.0)
        return frame

    def push_key_event(self, event: KeyEvent) -> None:
        """Take note of which hand has played a key, as each camera tells."""
        key = event.note - FIRST_NOTE
        if event.kind is not KeyEventKind.NOTE_ON or not 0 <= key < PIANO_KEYS:
            return
        for view in self._views.values():
            if view.met_ns is None:
                continue
            off = {side: float(np.abs(x - KEY_X_M[key]).min()) for side, x in view.tips.items()}
            nearest = min(off, key=off.__getitem__)
            if off[nearest] <= self._rules.on_key_m:
                view.played[nearest] += 1

    def _look(self, view: _View, frame: LandmarkFrame) -> None:
        """Note where along the keys a hand is."""
        assert frame.points is not None
        points = frame.points[:, :2]
        told = np.concatenate((points[self._palm].mean(axis=0)[None], points[self._tips]))
        along_m = _along_keys(view.camera, told, self._heights_m)
        if along_m is not None:
            view.palms[frame.side], view.tips[frame.side] = float(along_m[0]), along_m[1:]
            view.seen_ns[frame.side] = frame.stamp_ns

    def _decide(self, view: _View, now_ns: int) -> None:
        rules = self._rules
        if view.in_sight(now_ns, rules.in_sight_s) < len(SIDES):
            view.met_ns = view.differs_ns = None
            if not view.in_sight(now_ns, rules.forgotten_s):
                view.exchanged = False
            return
        if len(view.palms) < len(SIDES):
            return
        apart_m = view.palms["right"] - view.palms["left"]
        if abs(apart_m) >= rules.apart_m:
            order = 1 if apart_m > 0 else -1
            if view.met_ns is None:
                view.in_order(order)
                view.met_ns, view.met_crossed = now_ns, view.crossed
            elif order != view.order:
                view.in_order(order)
        if view.met_ns is not None and (self._played_crossed(view) or self._differs(view, now_ns)):
            view.exchange(now_ns)
            self.exchanges += 1

    def _played_crossed(self, view: _View) -> bool:
        """Whether the hands play on and on in an order in which nobody saw them come."""
        played = view.played.values()
        enough = sum(played) >= self._rules.notes and min(played) >= self._rules.notes_each
        return view.crossed and view.met_crossed and enough

    def _differs(self, view: _View, now_ns: int) -> bool:
        """Whether another camera, which is to be believed, has told the order otherwise."""
        rules = self._rules
        others = [
            other
            for other in self._views.values()
            if other is not view
            and other.met_ns is not None
            and other.in_sight(now_ns, rules.in_sight_s) == len(SIDES)
            and other.crossed != view.crossed
        ]
        if not others:
            view.differs_ns = None
            return False
        if view.differs_ns is None:
            view.differs_ns = now_ns
        assert view.met_ns is not None
        earliest_ns = min(other.met_ns for other in others if other.met_ns is not None)
        longer_ns = view.met_ns - earliest_ns
        together_ns = round(rules.together_s * NS_PER_S)
        doubted = longer_ns > together_ns or (view.crossed and longer_ns >= -together_ns)
        return doubted and now_ns - view.differs_ns >= rules.differ_s * NS_PER_S


def sides_of(registration: Registration | None, streams: Streams) -> HandSides | None:
    """Make what tells two hands apart, where there are two, and cameras whose place is known."""
    hands = [view for view in streams.landmarks if view.side]
    if registration is None or {hand.side for hand in hands} != set(SIDES):
        return None
    return HandSides(registration, hands[0].skeleton)


def _along_keys(
    camera: Camera, points: NDArray[np.floating], heights_m: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Where along the keys points of a picture are, at heights; None where that is not told."""
    ahead = camera.rays(points)
    if (ahead[:, 2] > -FLATTEST).any():
        return None
    position = camera.position
    far = (heights_m - position[2]) / ahead[:, 2]
    return np.asarray(position[0] + far * ahead[:, 0])
