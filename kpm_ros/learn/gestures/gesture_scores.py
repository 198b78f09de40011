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

"""How well a model tells gestures apart, as those who use them ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from kpm_ros.act.gestures.decision import Decider, voted
from kpm_ros.act.gestures.gesture_model import DecisionRules, GestureModel
from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.gestures.executions import (
    Array,
    Execution,
    ExecutionSet,
    joined,
    rest_before,
    windows_in,
)


class Outcome(NamedTuple):
    """What a model made of one execution."""

    execution: Execution
    answers: tuple[str, ...]
    """Of each window by itself, without rejection."""
    majority: str
    """What most of them say."""
    accepted: tuple[bool, ...]
    """Whether the vote at each window was believed."""
    decided: tuple[str, ...]
    """What was held to be done at each window, the person having rested before."""
    begun: tuple[tuple[str, float], ...]
    """Gestures that began, and how many seconds after the execution's beginning."""
    seconds: float


@dataclass(frozen=True)
class GestureScores:
    """Figures over some executions; shares are of 1, and NaN where there is nothing to tell by."""

    executions: int
    windows: int
    window_accuracy: float
    """Of windows by themselves, without rejection."""
    execution_accuracy: float
    """Of the answer that most windows of an execution give."""
    rejected: float
    """Windows whose vote was not believed."""
    accepted_accuracy: float
    """Of the others."""
    active_error: float
    """Decisions for a wrong gesture: a wrong "none" moves nothing."""
    instability: float
    """Decisions that differ from the one before, in an execution."""
    found: float
    """Executions of gestures in which the right one began."""
    false_activations_per_hour: float
    """Gestures that began, but were not made."""
    seconds: float
    """How long these were recorded."""
    decision_ms: float
    """Median time from an execution's beginning to the right gesture's."""

    def as_plain(self) -> dict[str, Any]:
        """Put it in the form of JSON."""
        return {
            name: None if isinstance(value, float) and np.isnan(value) else value
            for name, value in asdict(self).items()
        }


class Heard(NamedTuple):
    """What a model says of each window of one execution."""

    execution: Execution
    alone: Array
    """Probabilities of its own windows."""
    stream: Array
    """The same of the rest before it, and of both together."""
    ends_s: Array
    """When each window of the stream ends, after the execution's beginning."""
    seconds: float


def hear(model: GestureModel, tested: ExecutionSet) -> list[Heard]:
    """Let a model listen to executions that it was not trained on.

    Before each gesture the person rests, as recorded: the rest of the same number, or the nearest,
    of that person and day. Where one execution is joined to another, that is no measured onset.
    """
    rests = [each for each in tested.executions if each.gesture == NO_GESTURE]
    return [_heard(model, each, rest_before(each, rests)) for each in tested.executions]


def outcomes(
    model: GestureModel, heard: Sequence[Heard], rules: DecisionRules | None = None
) -> list[Outcome]:
    """Decide what was done, by the model's rules or others."""
    return [_outcome(model, each, rules or model.card.decision) for each in heard]


def scores(told: Sequence[Outcome]) -> GestureScores:
    """Sum up what a model made of executions."""
    right: list[bool] = []
    trials: list[bool] = []
    accepted: list[bool] = []
    kept: list[bool] = []
    active: list[bool] = []
    found: list[bool] = []
    delays: list[float] = []
    changes = moves = false = 0
    for one in told:
        gesture = one.execution.gesture
        own = [answer == gesture for answer in one.answers]
        right += own
        trials.append(one.majority == gesture)
        accepted += one.accepted
        kept += [fits for fits, taken in zip(own, one.accepted, strict=True) if taken]
        active += [each not in (gesture, NO_GESTURE) for each in one.decided]
        changes += sum(a != b for a, b in zip(one.decided, one.decided[1:], strict=False))
        moves += max(len(one.decided) - 1, 0)
        false += sum(name != gesture for name, _ in one.begun)
        if gesture != NO_GESTURE:
            times = [at_s for name, at_s in one.begun if name == gesture]
            found.append(bool(times))
            delays += times[:1]
    seconds = sum(one.seconds for one in told)
    return GestureScores(
        executions=len(told),
        windows=len(right),
        window_accuracy=_mean(right),
        execution_accuracy=_mean(trials),
        rejected=1 - _mean(accepted),
        accepted_accuracy=_mean(kept),
        active_error=_mean(active),
        instability=changes / moves if moves else float("nan"),
        found=_mean(found),
        false_activations_per_hour=false * 3600 / seconds if seconds else float("nan"),
        seconds=seconds,
        decision_ms=1000 * float(np.median(delays)) if delays else float("nan"),
    )


def by(told: Iterable[Outcome], what: str) -> dict[str, GestureScores]:
    """The same for each person, day, posture, repetition or gesture."""

    def key(one: Outcome) -> str:
        return str(getattr(one.execution, what))

    listed = sorted(told, key=key)
    return {name: scores(list(some)) for name, some in groupby(listed, key)}


SHARES = (
    "window_accuracy",
    "execution_accuracy",
    "rejected",
    "accepted_accuracy",
    "active_error",
    "instability",
)


def mean_of(found: Sequence[GestureScores], together: GestureScores) -> GestureScores:
    """Mean of shares over sets of scores that count alike, and the rest of all together."""
    means: dict[str, Any] = {
        name: _mean([value for each in found if not np.isnan(value := getattr(each, name))])
        for name in SHARES
    }
    return replace(together, **means)


def _heard(model: GestureModel, execution: Execution, rest: Execution | None) -> Heard:
    inputs = model.card.inputs
    windows, _ = windows_in(inputs, execution)
    stream, began_ns = joined(execution, rest)
    cut, ends_ns = windows_in(inputs, stream)
    return Heard(
        execution,
        model.probabilities(model.measure(windows)),
        model.probabilities(model.measure(cut)),
        (ends_ns - began_ns) / NS_PER_S,
        len(execution.signals[inputs[0].signal].samples) / inputs[0].rate_hz,
    )


def _outcome(model: GestureModel, heard: Heard, rules: DecisionRules) -> Outcome:
    card = model.card
    answers = heard.alone.argmax(axis=1)
    votes = voted(heard.alone, rules.votes)
    best = votes.argmax(axis=1)
    decider, before = Decider(model, rules), card.rest
    decided, begun = [], []
    for row, end_s in zip(heard.stream, heard.ends_s.tolist(), strict=True):
        now = decider.push(row).gesture
        if end_s > 0:
            decided.append(card.gestures[now])
            if now not in (before, card.rest):
                begun.append((card.gestures[now], end_s))
        before = now
    return Outcome(
        heard.execution,
        tuple(card.gestures[each] for each in answers),
        card.gestures[int(np.bincount(answers, minlength=1).argmax())],
        tuple((votes[np.arange(len(best)), best] >= model.reject[best]).tolist()),
        tuple(decided),
        tuple(begun),
        heard.seconds,
    )


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
