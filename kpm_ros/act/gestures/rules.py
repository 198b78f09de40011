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

"""Effort to gestures: which muscles act together, clearly enough and long enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from numpy.typing import ArrayLike

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.act.muscle_weights import parse_weights, require_known_muscles, require_names
from kpm_ros.act.safety import EffortGuard, GuardState, Now
from kpm_ros.act.smoothing import Smoother
from kpm_ros.core.flags import INVALID_SIDE
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hands import side_of
from kpm_ros.core.settings import check_number

NO_GESTURE = "none"


@dataclass(frozen=True)
class GestureRule:
    """What one gesture asks of the muscles.

    Its activation is the least of the weighted efforts of its muscles (those with a positive
    weight: all must act), less the weighted efforts of the muscles that should rest (negative).
    """

    name: str
    weights: Mapping[str, float]
    on: float = 0.35
    """The gesture begins when its activation has stayed at or above this for `hold_s`."""
    off: float = 0.2
    """It ends when its activation falls below this."""
    hold_s: float = 0.08
    refractory_s: float = 0.2
    """After its end it cannot begin again for this long."""

    def __post_init__(self) -> None:
        """Refuse a rule that could never or would always hold."""
        if not isinstance(self.name, str) or not self.name or self.name == NO_GESTURE:
            raise ValueError(f"a gesture cannot be called {self.name!r}")
        for muscle, weight in self.weights.items():
            check_number(
                f"gesture {self.name!r}: the weight of {muscle!r}", weight, least=-10, most=10
            )
        if not any(weight > 0 for weight in self.weights.values()):
            raise ValueError(f"gesture {self.name!r} needs a muscle with a weight above 0")
        check_number(f"gesture {self.name!r}: off", self.off, above=0)
        check_number(f"gesture {self.name!r}: on", self.on, above=self.off)
        check_number(f"gesture {self.name!r}: hold_s", self.hold_s, least=0)
        check_number(f"gesture {self.name!r}: refractory_s", self.refractory_s, least=0)

    def confidence(self, activation: float) -> float:
        """0 at the threshold to end, 0.5 at the threshold to begin, 1 as far again above it."""
        return min(max((activation - self.off) / (2 * (self.on - self.off)), 0.0), 1.0)


DEFAULT_GESTURES = (
    GestureRule("thumb_press", {"PB": 1.0}),
    GestureRule("pinky_out", {"ADM": 1.0, "1DI": -0.5, "4DI": -0.5}),
    GestureRule("index_out", {"1DI": 1.0, "ADM": -0.5, "4DI": -0.5}),
    GestureRule("spread", {"ADM": 1.0, "1DI": 1.0, "4DI": 1.0}),
)
"""Gestures of a resting hand; thresholds are illustrative and want fitting to the wearer."""


def gesture_rules(entries: Sequence[str]) -> tuple[GestureRule, ...]:
    """Read gestures from entries of a gesture, a muscle and its weight, with the usual thresholds.

    >>> gesture_rules(["fist biceps 1", "fist triceps -0.5"])[0].weights
    {'biceps': 1.0, 'triceps': -0.5}
    """
    weights = parse_weights("gestures", entries, "index_out 1DI 1")
    return tuple(GestureRule(name, row) for name, row in weights.items())


@dataclass(frozen=True)
class GestureConfig(FreshnessRules):
    """Which gestures to look for, and how. A wrong value is refused in words.

    A gap between samples that is longer than `timeout_s` ends a gesture.
    """

    gestures: Sequence[GestureRule] = DEFAULT_GESTURES
    """Where two begin at the same sample, the more confident wins, then the earlier listed."""
    smoothing_s: float = 0.03

    def __post_init__(self) -> None:
        """Refuse what cannot be recognised."""
        require_names("gestures", [rule.name for rule in self.gestures])
        check_number("smoothing_s", self.smoothing_s, least=0)
        super().__post_init__()


@dataclass(frozen=True, slots=True)
class RecognisedGesture:
    """What the hand is doing, as far as effort tells."""

    name: str
    confidence: float
    strength: float
    """How strongly, 0..1."""
    valid: bool
    """False: effort is stale or invalid, and the name is "none"."""
    since_s: float
    """How long this has lasted at `stamp_ns`; 0 while it is not valid."""
    stamp_ns: int
    """Instant of the newest effort behind it; 0 when there is none."""
    changed: bool
    """Whether name or validity differ from the last time it was asked for."""
    reason: str


class GestureChange(NamedTuple):
    """A gesture that began, or "none" when one ended, at the stamp of a sample."""

    stamp_ns: int
    name: str


class _Detector:
    """Follows one gesture's activation through hysteresis, hold and refractory time."""

    def __init__(self, rule: GestureRule, muscles: Sequence[str]) -> None:
        indexed = [(list(muscles).index(name), weight) for name, weight in rule.weights.items()]
        self.rule = rule
        self._acting = [(index, weight) for index, weight in indexed if weight > 0]
        self._resting = [(index, weight) for index, weight in indexed if weight < 0]
        sides = {side_of(name) for name in rule.weights} - {""}
        self.spoilt_by = sum(INVALID_SIDE[side] for side in sides)
        """Flags of a hand that it asks something of: an invalid one neither acts nor rests."""
        self._hold_ns = round(rule.hold_s * NS_PER_S)
        self._refractory_ns = round(rule.refractory_s * NS_PER_S)
        self._above_since_ns: int | None = None
        self._ended_ns: int | None = None
        self.activation = 0.0

    def follow(self, stamp_ns: int, effort: Sequence[float]) -> None:
        activation = min([effort[index] * weight for index, weight in self._acting])
        for index, weight in self._resting:
            activation += max(0.0, effort[index]) * weight
        self.activation = activation
        if activation < self.rule.on:
            self._above_since_ns = None
        elif self._above_since_ns is None:
            self._above_since_ns = stamp_ns

    def may_begin(self, stamp_ns: int) -> bool:
        since_ns, ended_ns = self._above_since_ns, self._ended_ns
        if since_ns is None or stamp_ns - since_ns < self._hold_ns:
            return False
        return ended_ns is None or not 0 <= stamp_ns - ended_ns < self._refractory_ns

    def end(self, stamp_ns: int) -> None:
        self._ended_ns = stamp_ns
        self.interrupt()

    def interrupt(self) -> None:
        """Start to follow anew, as after samples that could not be used."""
        self._above_since_ns = None
        self.activation = 0.0


class GestureRecogniser:
    """Recognises gestures in a stream of effort. To be driven from one thread.

    What it recognises follows from the samples and their stamps alone, however they are batched;
    the caller's clock only decides whether the stream is fit to be believed.
    """

    def __init__(self, config: GestureConfig, muscles: Sequence[str]) -> None:
        """`muscles`: names in the order of the effort that will be pushed."""
        require_names("muscles", muscles)
        for rule in config.gestures:
            require_known_muscles(f"gesture {rule.name!r}", rule.weights, muscles)
        self.config = config
        self.guard = EffortGuard(
            len(muscles), config.timeout_s, config.max_age_s, config.max_effort
        )
        self._smoother = Smoother(len(muscles), config.smoothing_s, config.timeout_s)
        self._detectors = [_Detector(rule, muscles) for rule in config.gestures]
        self._max_gap_ns = round(config.timeout_s * NS_PER_S)
        self._current: _Detector | None = None
        self._since_ns = 0
        self._newest_ns: int | None = None
        self._last_reported: tuple[str, bool] | None = None

    def push_effort(
        self, stamps_ns: ArrayLike, effort: ArrayLike, flags: ArrayLike, now: Now
    ) -> list[GestureChange]:
        """Take effort samples (n,), (n, muscles), (n,) that came in at this time; say what changed.

        Changes are those of the samples; whether effort was believable meanwhile, `current` says.
        """
        changes: list[GestureChange] = []
        admitted = self.guard.push_effort(stamps_ns, effort, flags, now)
        for stamp, sample, bits in zip(*admitted, strict=True):
            before = self._current
            self._take(stamp, sample, bits)
            if self._current is not before:
                self._since_ns = stamp
                name = self._current.rule.name if self._current else NO_GESTURE
                changes.append(GestureChange(stamp, name))
        return changes

    def current(self, now: Now) -> RecognisedGesture:
        """Say what the hand is doing at this instant; "none" while effort cannot be believed."""
        report = self.guard.check(now)
        valid = report.state is GuardState.READY
        gesture = self._current if valid else None
        name = gesture.rule.name if gesture else NO_GESTURE
        newest_ns = self._newest_ns or 0
        changed = self._last_reported != (name, valid)
        self._last_reported = (name, valid)
        return RecognisedGesture(
            name=name,
            confidence=gesture.rule.confidence(gesture.activation) if gesture else 0.0,
            strength=min(gesture.activation, 1.0) if gesture else 0.0,
            valid=valid,
            since_s=(newest_ns - self._since_ns) / NS_PER_S if valid else 0.0,
            stamp_ns=newest_ns,
            changed=changed,
            reason=report.reason,
        )

    def _take(self, stamp_ns: int, sample: Sequence[float] | None, flags: int) -> None:
        """Follow one sample; a gap, a step back in time or an unusable sample starts anew."""
        last_ns, self._newest_ns = self._newest_ns, stamp_ns
        if last_ns is None:
            self._since_ns = stamp_ns
        elif sample is None or not 0 < stamp_ns - last_ns <= self._max_gap_ns:
            self._interrupt(stamp_ns)
        if sample is None:
            return
        effort = self._smoother.push_sample(stamp_ns, sample)
        for detector in self._detectors:
            detector.follow(stamp_ns, effort)
            if flags & detector.spoilt_by:
                detector.interrupt()
        self._decide(stamp_ns)

    def _interrupt(self, stamp_ns: int) -> None:
        self._smoother.reset()
        for detector in self._detectors:
            detector.interrupt()
        if self._current:
            self._current.end(stamp_ns)
            self._current = None

    def _decide(self, stamp_ns: int) -> None:
        """End the present gesture, or else let the most confident of those that may begin."""
        if self._current:
            if self._current.activation < self._current.rule.off:
                self._current.end(stamp_ns)
                self._current = None
            return
        ready = [detector for detector in self._detectors if detector.may_begin(stamp_ns)]
        if ready:
            self._current = max(ready, key=lambda each: each.rule.confidence(each.activation))
