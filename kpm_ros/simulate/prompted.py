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

"""Somebody simulated who does what a session asks for: plays, rests, or contracts muscles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.sense.samples import KeyEventKind
from kpm_ros.simulate.pianist import Move, Performer
from kpm_ros.simulate.tracked_view import Visible

REACTION_S = 0.5
"""After this a prompt is obeyed: devices work ahead, and what they have delivered is past."""
MOVING_S = 0.4
"""In which the hand gets from where it was to where it begins, and a muscle to its strongest."""
RESTING, STRONGEST, OTHERS, GESTURE = 0.002, 0.95, 0.08, 0.6
"""Activation of a muscle at rest, of one contracted as hard as possible, meanwhile of the others,
and in a gesture."""


class Act(NamedTuple):
    """What the person does from an instant on."""

    since_s: float
    plays: bool = False
    muscles: tuple[str, ...] = ()
    """Those that are contracted; empty = none."""
    level: float = STRONGEST
    """How strongly."""


class Performing(Protocol):
    """Whoever can be prompted."""

    @property
    def muscles(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def person(self) -> Any:
        """Whose they are."""

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks in the cameras' frame: (n, points, 3)."""

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle: (n, muscles), in 0..1."""


class Prompted:
    """Somebody who performs when asked, from the beginning, and else keeps still.

    While they rest, they are where the performance begins.

    >>> from kpm_ros.simulate.bodies import make_pianist
    >>> from kpm_ros.simulate.example_scores import five_finger_study
    >>> person = Prompted(make_pianist(five_finger_study(), body="plain"))
    >>> person.obey(Act(1.0, muscles=("ADM",)))
    >>> at_rest, contracted = person.activation(np.array([0.9, 2.0]))
    >>> [round(float(each[person.muscles.index("ADM")]), 3) for each in (at_rest, contracted)]
    [0.002, 0.95]
    """

    def __init__(self, performer: Performing) -> None:
        """Rest until asked."""
        self.muscles: tuple[str, ...] = performer.muscles
        self.person: Any = performer.person
        self._performer = performer
        self._acts = [Act(0.0)]

    def restart(self) -> None:
        """Count time from 0 again, and go on with what is done now."""
        self._acts = [self._acts[-1]._replace(since_s=0.0)]

    def obey(self, act: Act) -> None:
        """Do something else from an instant on that no device has come to yet."""
        if act[1:] != self._acts[-1][1:]:
            self._acts.append(act)

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the cameras look at: (n, points, 3) in metres."""
        return self.seen(self._performer, times_s)

    def seen(self, who: Visible, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of what belongs to the performer, such as one of two hands."""
        parts = []
        for act, before, part in self._parts(times_s):
            here = who.landmarks(_performed(act, part))
            if not act.plays:  # a performance begins where they have rested
                left = who.landmarks(_performed(before, np.array([act.since_s])))
                here = left + _gone(act, part)[:, None, None] * (here - left)
            parts.append(here)
        return np.concatenate(parts)

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle: (n, muscles), in 0..1."""
        parts = []
        for act, before, part in self._parts(times_s):
            left = self._wanted(before, np.array([act.since_s]))
            parts.append(left + _gone(act, part)[:, None] * (self._wanted(act, part) - left))
        return np.concatenate(parts)

    def _wanted(self, act: Act, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of an act that has long begun."""
        if act.plays:
            return self._performer.activation(_performed(act, times_s))
        levels = [act.level if name in act.muscles else OTHERS for name in self.muscles]
        if not {*act.muscles} & {*self.muscles}:
            levels = [RESTING] * len(self.muscles)
        return np.tile(np.array(levels), (len(times_s), 1))

    def _parts(
        self, times_s: NDArray[np.float64]
    ) -> Iterator[tuple[Act, Act, NDArray[np.float64]]]:
        """Split times by what is done then, with what was done before."""
        starts = [act.since_s for act in self._acts]
        begin = 0
        while begin < len(times_s):
            k = max(bisect_right(starts, float(times_s[begin])) - 1, 0)
            end_s = starts[k + 1] if k + 1 < len(starts) else np.inf
            end = int(np.searchsorted(times_s, end_s))
            yield self._acts[k], self._acts[max(k - 1, 0)], times_s[begin:end]
            begin = end


class PromptedPianist(Prompted):
    """The same of a pianist, who touches no key but while playing."""

    def __init__(self, performer: Performer) -> None:
        """Rest until asked."""
        super().__init__(performer)
        self._pianist = performer

    @property
    def hands(self) -> Mapping[str, Visible]:
        """What is in sight, by its side."""
        return {side: _Hand(self, hand) for side, hand in self._pianist.hands.items()}

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, keys), 0 at rest, 1 fully down."""
        return np.concatenate(
            [
                self._pianist.key_depth(_performed(act, part)) * np.float32(act.plays)
                for act, _, part in self._parts(times_s)
            ]
        )

    def moves(self, since_s: float, until_s: float) -> Iterator[Move]:
        """List what the keyboard reports; when playing ends, every key is let go."""
        for k, act in enumerate(self._acts):
            end_s = self._acts[k + 1].since_s if k + 1 < len(self._acts) else np.inf
            first, last = max(since_s, act.since_s), min(until_s, end_s)
            if act.plays and first < last:
                for move in self._pianist.moves(first - act.since_s, last - act.since_s):
                    yield move._replace(time_s=move.time_s + act.since_s)
            elif k and self._acts[k - 1].plays and since_s <= act.since_s < until_s:
                yield Move(act.since_s, KeyEventKind.ALL_NOTES_OFF)


class _Hand:
    """One hand of a pianist who is prompted."""

    def __init__(self, prompted: Prompted, hand: Visible) -> None:
        self._prompted, self._hand = prompted, hand

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks in the cameras' frame: (n, points, 3)."""
        return self._prompted.seen(self._hand, times_s)


def _performed(act: Act, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times within the performance: it begins with the act, and else stands at its beginning."""
    return times_s - act.since_s if act.plays else np.zeros(len(times_s))


def _gone(act: Act, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the change to an act is done, from 0 to 1."""
    return minimum_jerk((times_s - act.since_s) / MOVING_S)
