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

"""By how many electrodes an armband sits turned from where it sat in another recording.

Electrodes of an armband are alike and lie in a ring, numbered around it. What tells how it is
turned is how busy each is in gestures that both recordings have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kpm_ros.act.gestures.gesture_model import levels
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.learn.gestures.executions import Array, ExecutionSet, Recorded

RING = "emg"
"""The signal whose channels lie in a ring."""
LEAST = 1e-12
"""Of a level: of a silent electrode, a logarithm stays finite."""


def turn_between(before: ExecutionSet, after: ExecutionSet) -> int:
    """By how many electrodes the armband was turned since; 0 where it sits as it did.

    The turn, of all there are, by which the mean levels of the gestures differ least.
    """
    if before.channels.get(RING) != after.channels.get(RING) or RING not in before.channels:
        raise ConfigurationError(
            f"{before.origin or 'one recording'} and {after.origin or 'another'} must have the "
            f"same channels of {RING}, for an armband to be found turned"
        )
    common = [name for name in before.gestures if name in after.gestures]
    ours, theirs = _busy(before, common), _busy(after, common)
    count = ours.shape[1]
    apart = [np.square(np.roll(ours, turn, axis=1) - theirs).sum() for turn in range(count)]
    turn = int(np.argmin(apart))
    return turn if turn <= count // 2 else turn - count


def turned(recorded: ExecutionSet, by: int) -> ExecutionSet:
    """Give recordings as the armband would have made them, turned by so many electrodes."""

    def roll(signal: Recorded) -> Recorded:
        return signal._replace(samples=np.roll(signal.samples, by, axis=1))

    return replace(
        recorded,
        executions=tuple(
            replace(each, signals={**each.signals, RING: roll(each.signals[RING])})
            for each in recorded.executions
        ),
    )


def turned_to_the_last(parts: Sequence[ExecutionSet]) -> list[tuple[ExecutionSet, int]]:
    """Turn recordings to where the armband sits in the last; with each, by how much."""
    turns = [*(turn_between(part, parts[-1]) for part in parts[:-1]), 0]
    return [(turned(part, turn), turn) for part, turn in zip(parts, turns, strict=True)]


def _busy(recorded: ExecutionSet, gestures: Sequence[str]) -> Array:
    """Mean logarithm of each channel's level in each gesture, less their mean over all."""
    rows = []
    for gesture in gestures:
        own = [
            each.signals[RING].samples for each in recorded.executions if each.gesture == gesture
        ]
        found = [levels(samples[np.isfinite(samples).all(axis=1)][None])[0] for samples in own]
        rows.append(np.log(np.maximum(found, LEAST)).mean(axis=0))
    busy = np.array(rows)
    return busy - busy.mean()
