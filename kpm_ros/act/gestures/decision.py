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

"""From what each window says to a gesture that begins and ends: vote, rejection, hysteresis."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.gestures.gesture_model import DecisionRules, GestureModel

Array = NDArray[np.float64]


class Verdict(NamedTuple):
    """What is held to be done after a window."""

    gesture: int
    """In the model's order."""
    probability: float
    """Of that gesture, by the newest windows together."""


class Decider:
    """Follows the probabilities of one window after another. To be driven from one thread.

    The newest windows vote by their mean probability. What wins but is less probable than the
    model's threshold for it is rejected, which counts as rest; another gesture than the present one
    must be surer still, and after rest wait until the hand has moved for some windows. The same
    other answer several times in a row then changes what is held to be done.
    """

    def __init__(self, model: GestureModel, rules: DecisionRules | None = None) -> None:
        """Rest, until windows say otherwise, by the model's rules or others."""
        self._rules = rules or model.card.decision
        self._reject = model.reject
        self._rest = model.card.rest
        first = model.card.inputs[0]
        self._settle = round(self._rules.settle_s * first.rate_hz / first.step)
        self._votes: deque[Array] = deque(maxlen=self._rules.votes)
        self.reset()

    def reset(self) -> None:
        """Forget all windows, as after samples that could not be used."""
        self._votes.clear()
        self._current = self._other = self._rest
        self._in_a_row = self._not_rest = 0

    def push(self, probabilities: Array) -> Verdict:
        """Take one window's probabilities (gestures,); say what is done now."""
        self._votes.append(probabilities)
        voted = np.mean(self._votes, axis=0)
        answer = int(voted.argmax())
        self._not_rest = self._not_rest + 1 if answer != self._rest else 0
        if voted[answer] < self._reject[answer]:
            answer = self._rest
        elif answer not in (self._current, self._rest) and not self._may_begin(voted[answer]):
            answer = self._current
        self._in_a_row = self._in_a_row + 1 if answer == self._other else 1
        self._other = answer
        resting = self._current == self._rest
        if self._in_a_row >= (self._rules.hold if resting else self._rules.release):
            self._current = answer
        return Verdict(self._current, float(voted[self._current]))

    def _may_begin(self, probability: float) -> bool:
        settled = self._current != self._rest or self._not_rest >= self._settle
        return settled and probability >= self._rules.sure


def voted(probabilities: Array, votes: int) -> Array:
    """Mean of each window's and the windows' before it, at most `votes`: (windows, gestures)."""
    sums = np.cumsum(probabilities, axis=0)
    sums[votes:] -= sums[:-votes].copy()
    return sums / np.minimum(np.arange(len(sums)) + 1, votes)[:, None]
