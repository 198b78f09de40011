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

"""Recorded executions of gestures, by whomever, and the windows that they are cut into."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.gestures.features import windows_of
from kpm_ros.act.gestures.gesture_model import Input
from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import ConfigurationError

Array = NDArray[np.float64]

FEWEST = 3
"""Executions of a gesture: with fewer, none can be held out to see how sure a model may be."""
LONGEST_GAP = 4
"""Periods of a signal: after a longer one, what was before it does not count."""


class Recorded(NamedTuple):
    """One signal while a gesture was made."""

    stamps_ns: NDArray[np.int64]
    samples: Array
    """(samples, channels); NaN where nothing was measured."""


@dataclass(frozen=True)
class Execution:
    """One gesture, made once."""

    gesture: str
    """"none": rest."""
    repetition: int
    """Counted from 1, of the same gesture on the same day."""
    signals: Mapping[str, Recorded]
    person: str = ""
    day: str = ""
    posture: str = ""

    @property
    def named(self) -> str:
        """What a sentence calls it."""
        of = " ".join(word for word in (self.person, self.day, self.posture) if word)
        return f"repetition {self.repetition} of {self.gesture!r}" + (f" of {of}" if of else "")


@dataclass(frozen=True)
class ExecutionSet:
    """Executions whose signals are alike."""

    channels: Mapping[str, tuple[str, ...]]
    """Of each signal."""
    rates: Mapping[str, float]
    """Samples a second of each signal."""
    executions: tuple[Execution, ...]
    simulated: bool = False
    origin: str = ""
    """What they are of, in words."""

    def where(self, keep: Callable[[Execution], bool]) -> ExecutionSet:
        """Give the same of some executions."""
        return replace(self, executions=tuple(each for each in self.executions if keep(each)))

    def and_(self, other: ExecutionSet) -> ExecutionSet:
        """Put another set's executions behind these; a ConfigurationError says what differs."""
        for signal in {*self.channels, *other.channels}:
            ours, theirs = self.channels.get(signal), other.channels.get(signal)
            if ours != theirs:
                raise ConfigurationError(
                    f"{other.origin or 'one recording'} has the channels "
                    f"{', '.join(theirs or ()) or '(none)'} of {signal}, but "
                    f"{self.origin or 'another'} has {', '.join(ours or ()) or '(none)'}"
                )
            if abs(self.rates[signal] / other.rates[signal] - 1) > 0.02:
                raise ConfigurationError(
                    f"{other.origin or 'one recording'} has {signal} at "
                    f"{other.rates[signal]:g} Hz, but {self.origin or 'another'} at "
                    f"{self.rates[signal]:g} Hz"
                )
        return replace(
            self,
            executions=self.executions + other.executions,
            simulated=self.simulated or other.simulated,
            origin=", ".join(dict.fromkeys(word for word in (self.origin, other.origin) if word)),
        )

    @property
    def gestures(self) -> tuple[str, ...]:
        """Rest, then the others as they come."""
        return tuple(dict.fromkeys([NO_GESTURE, *(each.gesture for each in self.executions)]))

    @property
    def people(self) -> tuple[str, ...]:
        """Whose they are, each once."""
        return tuple(dict.fromkeys(each.person for each in self.executions))

    def require_trainable(self) -> None:
        """Refuse what no model can be trained on, in a sentence."""
        counts = Counter(each.gesture for each in self.executions)
        if NO_GESTURE not in counts:
            raise ConfigurationError(
                f"there is no rest among the gestures {', '.join(counts) or '(none)'}: record some "
                f"as {NO_GESTURE!r}, so that a model learns when nothing is meant"
            )
        if len(counts) < 2:
            raise ConfigurationError("there is nothing but rest: record a gesture")
        for gesture, count in counts.items():
            if count < FEWEST:
                raise ConfigurationError(
                    f"the gesture {gesture!r} has {count} executions, but needs at least {FEWEST}"
                )
        self._require_apart()

    def _require_apart(self) -> None:
        """Refuse executions of one recording that lie over each other in time."""
        spans = defaultdict(list)
        for each in self.executions:
            signal = next(iter(each.signals.values()))
            if len(signal.stamps_ns):
                spans[each.person, each.day, each.posture].append(
                    (int(signal.stamps_ns[0]), int(signal.stamps_ns[-1]), each)
                )
        for listed in spans.values():
            listed.sort(key=lambda span: span[:2])
            for (_, end_ns, before), (start_ns, _, after) in pairwise(listed):
                if start_ns <= end_ns:
                    raise ConfigurationError(
                        f"labels overlap: {after.named} begins {(end_ns - start_ns) / 1e6:.0f} ms "
                        f"before the end of {before.named}"
                    )


def windows_in(inputs: Sequence[Input], execution: Execution) -> tuple[list[Array], Array]:
    """Cut an execution into the windows that a live recogniser decides on.

    Gives the windows of each input (n, samples, channels), and the instants of their ends in
    nanoseconds, (n,). Windows across a gap, or with what is not a number, are left out.
    """
    first = execution.signals[inputs[0].signal]
    last = np.arange(inputs[0].window - 1, len(first.samples), inputs[0].step)
    ends_ns = first.stamps_ns[last]
    fit = np.ones(len(last), bool)
    found = []
    for taken in inputs:
        signal = execution.signals[taken.signal]
        at = np.searchsorted(signal.stamps_ns, ends_ns, side="right") - 1
        longest_ns = LONGEST_GAP * NS_PER_S / taken.rate_hz
        starts = at - taken.window + 1
        fit &= starts >= 0
        at, starts = np.maximum(at, 0), np.maximum(starts, 0)
        if not len(signal.samples):
            return [np.empty((0, each.window, len(each.channels))) for each in inputs], ends_ns[:0]
        bad = ~np.isfinite(signal.samples).all(axis=1)
        late = np.diff(signal.stamps_ns, prepend=signal.stamps_ns[:1]) > longest_ns
        bad_before, late_before = np.cumsum(bad), np.cumsum(late)
        fit &= bad_before[at] - bad_before[starts] + bad[starts] == 0
        fit &= late_before[at] - late_before[starts] == 0
        fit &= ends_ns - signal.stamps_ns[at] <= longest_ns
        views = windows_of(signal.samples, taken.window, 1)
        found.append(views[np.minimum(starts, max(len(views) - 1, 0))] if len(views) else None)
    if any(each is None for each in found):
        return [np.empty((0, each.window, len(each.channels))) for each in inputs], ends_ns[:0]
    return [each[fit] for each in found if each is not None], ends_ns[fit]


def rest_before(execution: Execution, rests: Sequence[Execution]) -> Execution | None:
    """Find the rest of the same person and day whose number is nearest."""
    same = [
        each
        for each in rests
        if (each.person, each.day) == (execution.person, execution.day) and each is not execution
    ]
    return min(same, key=lambda each: abs(each.repetition - execution.repetition), default=None)


def joined(execution: Execution, rest: Execution | None) -> tuple[Execution, int]:
    """Put an execution behind a rest, in time as well; gives the instant it begins at."""
    signals = execution.signals
    starts_ns = min(each.stamps_ns[0] for each in signals.values())
    periods_ns = min(np.median(np.diff(each.stamps_ns)) for each in signals.values())
    if rest is None:
        return execution, int(starts_ns - periods_ns)
    ends_ns = max(each.stamps_ns[-1] for each in rest.signals.values())
    shift_ns = int(ends_ns + periods_ns - starts_ns)
    both = {
        name: Recorded(
            np.concatenate([rest.signals[name].stamps_ns, each.stamps_ns + shift_ns]),
            np.concatenate([rest.signals[name].samples, each.samples]),
        )
        for name, each in signals.items()
    }
    return replace(execution, signals=both), int(ends_ns)
