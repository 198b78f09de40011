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

"""Gestures by a trained model, in streams of one or several signals."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import merge
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.act.gestures.decision import Decider, Verdict
from kpm_ros.act.gestures.gesture_model import GestureModel, Input
from kpm_ros.act.gestures.rules import NO_GESTURE, GestureChange, RecognisedGesture
from kpm_ros.act.safety import EffortGuard, GuardState, Now
from kpm_ros.core.grid import NS_PER_S

PERIODS = 4
"""Of a slow signal that may pass without a sample, where `timeout_s` is less."""
PLAUSIBLE = 1e9
"""Signals other than effort have units of their own; what is beyond this was not measured."""


class Batch(NamedTuple):
    """Samples of one signal that came in together, oldest first."""

    stamps_ns: ArrayLike
    samples: ArrayLike
    """(samples, channels), in the order of the model's."""
    flags: ArrayLike


class _Stream:
    """One input: what was let through of it, and its newest window."""

    def __init__(self, taken: Input, rules: FreshnessRules) -> None:
        self.taken = taken
        timeout_s = max(rules.timeout_s, PERIODS / taken.rate_hz)
        self.guard = EffortGuard(
            len(taken.channels),
            timeout_s,
            max(rules.max_age_s, timeout_s),
            rules.max_effort if taken.signal == "effort" else PLAUSIBLE,
            what=taken.signal,
        )
        self.longest_gap_ns = round(timeout_s * NS_PER_S)
        self.newest_ns: int | None = None
        self.count = 0
        """Samples since the last one that could not be used."""
        self._kept = np.zeros((2 * taken.window, len(taken.channels)))
        self._end = 0

    def push(self, stamp_ns: int, row: list[float] | None) -> bool:
        """Take a sample; False if what was before it no longer counts."""
        last_ns, self.newest_ns = self.newest_ns, stamp_ns
        whole = last_ns is None or 0 < stamp_ns - last_ns <= self.longest_gap_ns
        if row is None or not whole:
            self.count = 0
        if row is not None:
            window = self.taken.window
            if self._end == len(self._kept):
                self._kept[:window] = self._kept[-window:]
                self._end = window
            self._kept[self._end] = row
            self._end += 1
            self.count += 1
        return whole and row is not None

    @property
    def full(self) -> bool:
        return self.count >= self.taken.window

    @property
    def due(self) -> bool:
        """Whether a window has just been filled."""
        return self.full and (self.count - self.taken.window) % self.taken.step == 0

    @property
    def window(self) -> NDArray[np.float64]:
        """The newest samples, (1, samples, channels)."""
        return self._kept[None, self._end - self.taken.window : self._end]


class LearntRecogniser:
    """Recognises gestures in signals, as a model was trained to. To be driven from one thread.

    Each window of the first input is decided on when it is full, with the newest windows of the
    others. What is recognised follows from the samples and their stamps alone; the caller's clock
    only decides whether the streams are fit to be believed.
    """

    def __init__(self, model: GestureModel, rules: FreshnessRules) -> None:
        """Wait for samples."""
        self.model = model
        self._streams: dict[str, _Stream] = {
            each.signal: _Stream(each, rules) for each in model.card.inputs
        }
        self._first = self._streams[model.card.inputs[0].signal]
        self._decider = Decider(model)
        self._resting = Verdict(model.card.rest, 0.0)
        self._verdict = self._resting
        self._since_ns = 0
        self._last_reported: tuple[str, bool] | None = None

    def push(self, batches: Mapping[str, Batch], now: Now) -> list[GestureChange]:
        """Take samples that came in at this time, by signal; say what changed."""
        lists = []
        for order, (signal, stream) in enumerate(reversed(self._streams.items())):
            if signal in batches:
                admitted = stream.guard.push_effort(*batches[signal], now)
                lists.append(
                    [
                        (stamp, order, stream, row)
                        for stamp, row in zip(admitted.stamps_ns, admitted.effort, strict=True)
                    ]
                )
        changes: list[GestureChange] = []
        for stamp_ns, _, stream, row in merge(*lists, key=lambda each: each[:2]):
            before = self._verdict.gesture
            self._take(stamp_ns, stream, row)
            if self._verdict.gesture != before:
                self._since_ns = stamp_ns
                changes.append(GestureChange(stamp_ns, self._name))
        return changes

    def inhibit(self, signal: str, kind: str, reason: str) -> None:
        """Count something beside a signal's samples that makes them unfit to act on."""
        self._streams[signal].guard.inhibit(kind, reason)

    def current(self, now: Now) -> RecognisedGesture:
        """Say what the hand is doing now; "none" while a signal cannot be believed."""
        reports = [stream.guard.check(now) for stream in self._streams.values()]
        unfit = [report for report in reports if report.state is not GuardState.READY]
        valid = not unfit
        name = self._name if valid else NO_GESTURE
        newest_ns = self._first.newest_ns or 0
        changed = self._last_reported != (name, valid)
        self._last_reported = (name, valid)
        return RecognisedGesture(
            name=name,
            confidence=self._verdict.probability if name != NO_GESTURE else 0.0,
            strength=self._strength() if name != NO_GESTURE else 0.0,
            valid=valid,
            since_s=(newest_ns - self._since_ns) / NS_PER_S if valid else 0.0,
            stamp_ns=newest_ns,
            changed=changed,
            reason=(unfit or reports)[0].reason,
        )

    @property
    def _name(self) -> str:
        return self.model.card.gestures[self._verdict.gesture]

    def _take(self, stamp_ns: int, stream: _Stream, row: list[float] | None) -> None:
        """Follow one sample; a gap or an unusable sample starts anew."""
        if self._first.newest_ns is None:
            self._since_ns = stamp_ns
        if not stream.push(stamp_ns, row):
            self._decider.reset()
            self._verdict = self._resting
        if stream is self._first and stream.due and self._others_are_here(stamp_ns):
            windows = [each.window for each in self._streams.values()]
            features = self.model.measure(windows)
            self._verdict = self._decider.push(self.model.probabilities(features)[0])

    def _others_are_here(self, stamp_ns: int) -> bool:
        return all(
            each.full and stamp_ns - (each.newest_ns or 0) <= each.longest_gap_ns
            for each in self._streams.values()
        )

    def _strength(self) -> float:
        if not self._first.full:
            return 0.0
        return self.model.strength(self._first.window[0], self._verdict.gesture)
