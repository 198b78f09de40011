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

"""Whether cameras still stand where they were found to stand, and keys go down where fingers are.

Views contradict each other when the rays of a hand's points pass by each other, and a view
contradicts the keys when they go down where it sees no fingertip. What is said of an instant
follows from the stamps and times of receipt of what came before it, at fixed ticks of the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np

from kpm_ros.align import room_words
from kpm_ros.align.arrivals import NEVER_NS
from kpm_ros.align.knocked import Habit, fit_of, registered_again
from kpm_ros.align.playing import Playing
from kpm_ros.align.raised_flag import RaisedFlag
from kpm_ros.align.sightings import SETTLED_AFTER_NS, misses
from kpm_ros.align.strikes import Fit
from kpm_ros.core.camera_model import same_shape
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.keyboard import OCTAVE_M
from kpm_ros.core.registered_streams import is_virtual
from kpm_ros.core.registration import Registration
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.streams import KEYBOARD, PianoKeys, Streams
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame

TICK_NS = 500_000_000
"""How often it is looked whether all is well; on the grid of the clock's own half seconds."""
LAST_MOMENTS = 8
FEWEST_MOMENTS = 5
JUDGED_STRIKES = 24
LAST_STRIKES_NS = 6 * NS_PER_S
FEWEST_STRIKES = 3
"""Each as much as it tells."""
CONTRADICTED, FITTING = 0.3, 1.5
"""Evidence of a strike, in nats: below, the keys contradict a view; above, they fit."""
OUTVOTED = -0.3
"""Where all rays meet, evidence below which the keys contradict one of several views."""
TRY_AGAIN_TICKS = 2
OF_AN_OCTAVE_M = 0.012


@dataclass(frozen=True)
class WatchRules(CheckedSettings):
    """When a camera counts as moved, and what is done then."""

    apart_m: float = setting(
        0.008,
        "views contradict each other when their rays of a hand typically pass at this distance",
        least=0.001,
        most=0.1,
    )
    find_again: bool = setting(
        True,
        "whether the place of a camera that was moved is found again while somebody plays; else "
        "effort stays invalid until the cameras are registered again",
    )


class RoomWatch:
    """Watches hands in registered views while they play; see the module's text."""

    def __init__(
        self,
        registration: Registration,
        skeleton: Skeleton,
        rules: WatchRules | None = None,
        sides: Sequence[str] = ("",),
    ) -> None:
        """Believe the registration until something speaks against it."""
        self.registration = registration
        """Where cameras stand; a new one once a camera has been found again."""
        self.found_again = 0
        """How often a camera was."""
        self.rules = rules or WatchRules()
        self._views = list(registration.cameras)
        self._playing = Playing(registration, skeleton, sides)
        self._habit = Habit()
        self._moved = RaisedFlag(Flag.CAMERA_MOVED)
        self._apart = RaisedFlag(Flag.KEYS_APART)
        self._suspect: str | None = None
        self._tick = self._until_ns = self._since_ns = NEVER_NS
        self._wait_ticks = 0

    @property
    def trouble(self) -> str:
        """What is wrong, in a sentence; empty = nothing."""
        return self._moved.text or self._apart.text

    @property
    def flags(self) -> int:
        """What is said of instants from the last tick on."""
        raised = [each.flag for each in (self._moved, self._apart) if each.raised]
        return int(sum(raised) | Flag.UNFAMILIAR) if raised else 0

    def push_frame(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Take in what a view saw."""
        self._playing.push_frame(frame, received_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in a note."""
        self._playing.push_key_event(event, received_ns)

    def next_tick_ns(self, stamp_ns: int) -> int:
        """First instant after this one from which on something else may be said."""
        return (stamp_ns // TICK_NS + 1) * TICK_NS

    def look(self, stamp_ns: int) -> None:
        """Look whether all is well, if a tick has come since the last look."""
        tick = stamp_ns // TICK_NS
        if tick == self._tick:
            return
        until_ns = tick * TICK_NS - SETTLED_AFTER_NS
        since_ns = self._until_ns
        if tick < self._tick:
            self._forget()
            since_ns = until_ns - TICK_NS
        self._tick, self._until_ns = tick, until_ns
        if self._playing.take_in(self.registration, since_ns, until_ns):
            self._judge()

    def reset(self) -> None:
        """Forget what was seen; what follows from it stays until playing says otherwise."""
        self._playing.reset()
        self._forget()

    def _forget(self) -> None:
        self._playing.forget()
        self._tick = self._until_ns = self._since_ns = NEVER_NS
        self._wait_ticks = 0

    def _judge(self) -> None:
        """Judge by the pictures' shape; where that is as registered, by what is seen in them."""
        shape = self._another_shape()
        if shape:
            self._moved.note(shape, sure=True, well=False)
            self._since_ns = self._until_ns
        else:
            self._judge_by_playing()

    def _another_shape(self) -> str:
        for view, one in self.registration.cameras.items():
            size = self._playing.image_size(view, self._until_ns)
            if all(size) and not same_shape(size, one.camera.image_size):
                return room_words.another_shape(view, size, one.camera.image_size)
        return ""

    def _judge_by_playing(self) -> None:
        since_ns = max(self._until_ns - LAST_STRIKES_NS, self._since_ns)
        fits: dict[str, Fit] = {}
        for view in self._views:
            strikes = self._playing.strikes(view, since_ns, JUDGED_STRIKES)
            if not len(strikes):
                continue
            camera = self.registration.cameras[view].camera
            fits[view] = one = fit_of(camera, strikes, self._habit)
            new = strikes.stamps_ns[-1] > self._until_ns - TICK_NS
            if new and one.here > FITTING and not (self._moved.raised or self._apart.raised):
                self._habit.learn(strikes, camera, one)
        off_m = self._off_m({view: view for view in self._views})
        apart = {pair for pair, off in off_m.items() if off > self.rules.apart_m}
        told = {v: each for v, each in fits.items() if each.strikes >= FEWEST_STRIKES}
        against = {v for v, each in told.items() if each.here < CONTRADICTED}
        shifted = {v for v, each in fits.items() if each.is_shifted}
        moved = keys = ""
        if apart or (shifted | against) != set(fits):
            against = {v for v in shifted | against if apart or fits[v].here < OUTVOTED}
            moved = self._who(apart, against, fits) if apart or against else ""
        elif fits:
            one = min(fits.values(), key=lambda each: each.here)
            across_m = one.shift_m[0]
            octaves = round(across_m / OCTAVE_M) if shifted else 0
            octave = octaves and abs(across_m - octaves * OCTAVE_M) < OF_AN_OCTAVE_M
            if len(self._views) == 1 and shifted and not octave:
                moved = self._who(apart, against, fits)
            else:
                keys = room_words.keys_apart(one, octaves if octave else 0)
        still = all(off < 0.75 * self.rules.apart_m for off in off_m.values())
        fitting = bool(told) and all(each.here > FITTING for each in told.values())
        well = still and fitting and not shifted
        sure = any(each.is_sure for each in fits.values())
        if self._moved.note(moved, sure=sure, well=well):
            self._since_ns, self._wait_ticks = self._until_ns, 0
        self._apart.note(keys, sure=sure, well=well)
        if self._moved.raised and self.rules.find_again:
            self._wait_ticks += 1
            if self._wait_ticks % TRY_AGAIN_TICKS == 0:
                self._find_again()

    def _find_again(self) -> None:
        """Let the camera that was moved stand where playing says, if it does."""
        suspects = [self._suspect] if self._suspect is not None else self._views
        if self._swapped():
            return
        now = registered_again(
            self.registration, self._playing, self._since_ns, suspects, self._habit
        )
        if now is not None:
            self.registration = now
            self.found_again += 1
            self._moved.clear()
            self._apart.clear()

    def _off_m(self, cameras: Mapping[str, str]) -> dict[tuple[str, str], float]:
        """How far the rays of each two views typically pass each other.

        `cameras` says whose place each view is taken to have.
        """
        moments = self._playing.moments(self._since_ns, LAST_MOMENTS)
        off: dict[tuple[str, str], float] = {}
        if len(moments) < FEWEST_MOMENTS or len(self._views) < 2:
            return off
        placed = self.registration.cameras
        as_given = all(view == whose for view, whose in cameras.items())
        slopes = {}
        for k, view in enumerate(self._views):
            if as_given:
                slopes[view] = np.array([one.slopes[k] for one in moments])
            else:
                points = np.array([one.points[k] for one in moments])
                slopes[view] = placed[cameras[view]].camera.slopes(points)
        for first, second in combinations(self._views, 2):
            apart = misses(
                placed[cameras[first]].camera,
                slopes[first],
                placed[cameras[second]].camera,
                slopes[second],
            )
            both = np.isfinite(apart)
            if (both.sum(axis=0) >= FEWEST_MOMENTS).sum() >= 3:
                # Fingers that one view takes for others are few: the whole hand counts.
                off[first, second] = abs(float(np.median(apart[both])))
        return off

    def _who(self, apart: set[tuple[str, str]], against: set[str], fits: Mapping[str, Fit]) -> str:
        """Say which camera it seems to be, and what to do."""
        others = set(self._views)
        if against and against != others:
            others &= against
        for pair in apart:
            others &= set(pair)
        self._suspect = None
        if len(others) == 1 or (others and against):
            self._suspect = min(others, key=lambda v: fits[v].here if v in fits else np.inf)
        swapped = self._swapped() if apart else ()
        if swapped:
            return room_words.swapped(swapped)
        if self._suspect is not None:
            return room_words.moved(self._suspect)
        return room_words.one_of_them_moved(min(apart) if apart else self._views)

    def _swapped(self) -> tuple[str, ...]:
        """Name the views that are each other's, if all is well once they are exchanged."""
        for order in permutations(self._views):
            cameras = dict(zip(self._views, order, strict=True))
            changed = tuple(view for view, whose in cameras.items() if view != whose)
            if not changed:
                continue
            off_m = self._off_m(cameras)
            if off_m and all(off < self.rules.apart_m for off in off_m.values()):
                return changed
        return ()


def watch_over(
    registration: Registration | None, streams: Streams, rules: WatchRules
) -> RoomWatch | None:
    """Watch the registered cameras of a hand that plays keys; None where there is no such thing."""
    hands = [hand for hand in streams.landmarks if "tips" in hand.skeleton.roles]
    keys = any(isinstance(stream, PianoKeys) for stream in streams)
    if registration is None or not registration.cameras or not hands or not keys:
        return None
    if any(hand.coordinates != KEYBOARD and not is_virtual(hand, registration) for hand in hands):
        # A model of fixed views does not know a camera's new place, even when we do.
        rules = replace(rules, find_again=False)
    sides = tuple(dict.fromkeys(hand.side for hand in hands))
    return RoomWatch(registration, hands[0].skeleton, rules, sides)
