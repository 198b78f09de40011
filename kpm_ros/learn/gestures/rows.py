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

"""Windows of recorded executions as rows of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.gestures.gesture_model import Input, levels, measured
from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.learn.gestures.executions import (
    Array,
    Execution,
    ExecutionSet,
    joined,
    rest_before,
    windows_in,
)


class Rows(NamedTuple):
    """Windows of executions as features."""

    features: Array
    levels: Array
    """Of the first input's channels."""
    answers: NDArray[np.int64]
    execution: NDArray[np.int64]
    """Which one a row is of."""

    def of(self, chosen: NDArray[np.bool_]) -> Rows:
        """Give some of the rows."""
        return Rows(
            self.features[chosen],
            self.levels[chosen],
            self.answers[chosen],
            self.execution[chosen],
        )


def rows_of(
    recorded: ExecutionSet, inputs: Sequence[Input], gestures: Sequence[str], onset_s: float
) -> Rows:
    """Measure every window of every execution, and those of its onset.

    Live, the first windows of a gesture begin in the rest before it. Those with at least `onset_s`
    of the gesture are therefore made, by joining it to a recorded rest.
    """
    rests = [each for each in recorded.executions if each.gesture == NO_GESTURE]
    cut, counts = [], []
    for execution in recorded.executions:
        parts = [windows_in(inputs, execution)[0]]
        if not len(parts[0][0]):
            shortest_s = inputs[0].window / inputs[0].rate_hz
            raise ConfigurationError(
                f"{execution.named} has no window of {shortest_s:g} s without a gap"
            )
        rest = rest_before(execution, rests)
        if rest is not None and execution.gesture != NO_GESTURE:
            parts.append(_onset(inputs, execution, rest, onset_s))
        cut += parts
        counts.append(sum(len(each[0]) for each in parts))
    answers = [gestures.index(each.gesture) for each in recorded.executions]
    stacked = [np.concatenate([each[k] for each in cut]) for k in range(len(inputs))]
    return Rows(
        measured(inputs, stacked),
        levels(stacked[0]),
        np.repeat(answers, counts),
        np.repeat(np.arange(len(counts)), counts),
    )


def _onset(
    inputs: Sequence[Input], execution: Execution, rest: Execution, onset_s: float
) -> list[Array]:
    both, began_ns = joined(execution, rest)
    windows, ends_ns = windows_in(inputs, both)
    length_ns = inputs[0].window * NS_PER_S / inputs[0].rate_hz
    gone_ns = ends_ns - began_ns
    chosen = (gone_ns >= onset_s * NS_PER_S) & (gone_ns < length_ns)
    return [each[chosen] for each in windows]
