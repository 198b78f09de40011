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

"""Why effort was late or not valid at a moment of a recorded run: which input, which stage.

What is usual is the median over the whole bag; a moment is told by what was unusual around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpm_ros import pipeline_topics
from kpm_ros.core.flags import Flag, describe
from kpm_ros.core.foreign_files import printable
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.pipeline_topics import CHANNELS, KEY_MOTION, LANDMARKS
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import EFFORT_CHUNK, TopicFinder
from kpm_ros.wire import decode

STAGES = (
    ("processed", "tracking"),
    ("received", "the way to the synchronizer"),
    ("aligned", "alignment, which waits for inputs"),
    ("estimated", "the network"),
    ("published", "publishing"),
)
"""Of each stage, which instant of the trace ends it, and its name."""
_COUNTED: Mapping[str, Callable[[Any], tuple[int, int]]] = {
    LANDMARKS.type: lambda frame: (frame.index, 1),
    KEY_MOTION.type: lambda chunk: (
        chunk.first_index,
        len(chunk.depth) // max(1, chunk.keys),
    ),
    CHANNELS.type: lambda chunk: (
        chunk.first_index,
        len(chunk.samples) // max(1, len(chunk.channels)),
    ),
}
"""Inputs that come steadily: which frame or sample a message begins with, and how many it has."""
DIAGNOSTICS, LOG = pipeline_topics.topic("/diagnostics").type, pipeline_topics.topic("/rosout").type
_AROUND_NS = NS_PER_S
_BEFORE_NS = NS_PER_S // 2
_UNUSUAL = 1.5
"""Times the usual, and..."""
_LEAST_NS = 5_000_000
"""... this much more: only then is a delay spoken of."""
_APART_NS = NS_PER_S
"""Moments nearer to each other than this are one."""
_WARNING = 30
"""Least level of what nodes log that is told."""


@dataclass
class Arrivals:
    """One input: what was sampled when, and when it was received."""

    stamp_ns: list[int] = field(default_factory=list)
    received_ns: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)

    def around(self, at_ns: int) -> Iterator[str]:
        """Say what was unusual of this input before a moment."""
        stamp, received = np.array(self.stamp_ns), np.array(self.received_ns)
        first, count = np.array(self.first), np.array(self.count)
        part = np.flatnonzero((stamp > at_ns - _BEFORE_NS) & (stamp <= at_ns))
        period = int(np.median(np.diff(stamp))) if len(stamp) > 1 else 0
        if not len(part):
            last = stamp[stamp <= at_ns]
            since = f"for {_ms(at_ns - int(last[-1]))} ms" if len(last) else "yet"
            yield f"nothing had come {since}"
            return
        lost = int((first[part[1:]] - first[part[:-1]] - count[part[:-1]]).clip(0).sum())
        if lost > 0:
            whole = lost + int(count[part].sum())
            yield f"{lost} of {whole} of the last 0.5 s were lost"
        gaps = np.diff(np.append(stamp[part], at_ns))
        if period and gaps.max() > 2 * period + _LEAST_NS:
            yield f"it stood still for {_ms(int(gaps.max()))} ms (usual {_ms(period)})"
        delay, usual = received - stamp, int(np.median(received - stamp))
        worst = int(delay[part].max())
        if _is_unusual(worst, usual):
            yield f"it came {_ms(worst)} ms after its instant (usual {_ms(usual)})"


class Said(NamedTuple):
    """What a node said of itself."""

    at_ns: int
    who: str
    text: str


@dataclass(frozen=True)
class Moment:
    """One moment, and why it was as it was."""

    at_ns: int
    into_s: float
    sentences: Sequence[str]

    @property
    def clock(self) -> str:
        """Time of day, where the bag was recorded, if this machine's zone is that one's."""
        return datetime.fromtimestamp(self.at_ns / NS_PER_S).strftime("%H:%M:%S.%f")[:-3]


class Run:
    """All that a bag tells of when what came."""

    def __init__(self, path: Path, namespace: str = "") -> None:
        """Read it once; a bag without chunks of effort, which carry the delays, is refused."""
        self.inputs: dict[str, Arrivals] = defaultdict(Arrivals)
        self.said: list[Said] = []
        stamps, times, flags = [], [], []
        with BagReader(path) as bag:
            if bag.span_ns is None:
                raise BagError(f"the bag {path} holds no message")
            self.begin_ns, self.end_ns = bag.span_ns
            chunks = TopicFinder(bag, namespace).find(EFFORT_CHUNK)
            if chunks is None:
                raise BagError(
                    f"the bag {path} holds no effort/chunks, whose traces tell the delays"
                )
            kinds = {*_COUNTED, DIAGNOSTICS, LOG}
            wanted = [topic for topic, kind in bag.topics.items() if kind in kinds]
            for raw in bag.messages([*wanted, chunks]):
                message = bag.decode(raw)
                if raw.topic != chunks:
                    self._note(raw.topic, bag.topics[raw.topic], message, raw.stamp_ns)
                    continue
                chunk = decode.effort_chunk(message)
                stamps.append(chunk.stamp_ns)
                instants = ["input", *(name for name, _ in STAGES)]
                times.append([getattr(chunk.trace, f"{name}_ns") for name in instants])
                flags.append(int(np.bitwise_or.reduce(chunk.flags)) if len(chunk) else 0)
        if not stamps:
            raise BagError(f"the bag {path} holds no effort/chunks, whose traces tell the delays")
        self.stamp_ns = np.array(stamps)
        self._times = np.array(times)
        self._flags = np.array(flags)
        self._steps = np.array([_steps(row) for row in times])
        self._usual = np.median(self._steps, axis=0).astype(np.int64)
        self.delay_ns = self._times[:, -1] - self.stamp_ns
        self.usual_ns = int(np.median(self.delay_ns))

    def worst(self, most: int) -> list[int]:
        """Choose the moments of the greatest delay, a second or more apart, in order of time."""
        chosen: list[int] = []
        for k in np.argsort(-self.delay_ns, kind="stable"):
            at_ns = int(self.stamp_ns[k])
            if all(abs(at_ns - other) >= _APART_NS for other in chosen):
                chosen.append(at_ns)
            if len(chosen) == most:
                break
        return sorted(chosen)

    def explain(self, at_ns: int) -> Moment:
        """Tell the chunk of effort nearest to a moment, and what was unusual around it."""
        k = int(np.abs(self.stamp_ns - at_ns).argmin())
        at_ns = int(self.stamp_ns[k])
        late = int(self.delay_ns[k])
        sentences = [f"effort came {_ms(late)} ms after its instant (usual {_ms(self.usual_ns)})"]
        for step, usual, (_, name) in zip(self._steps[k], self._usual, STAGES, strict=True):
            if _is_unusual(int(step), int(usual)):
                sentences.append(f"{name} took {_ms(int(step))} ms (usual {_ms(int(usual))})")
        for topic, arrivals in self.inputs.items():
            sentences += [f"{topic}: {words}" for words in arrivals.around(at_ns)]
        flags = int(self._flags[k])
        sentences.append(
            f"flags: {describe(flags)}"
            + (", so nothing acts on it" if flags & Flag.INVALID else "")
        )
        sentences += dict.fromkeys(
            f"{one.who}: {one.text}" for one in self.said if abs(one.at_ns - at_ns) <= _AROUND_NS
        )
        if len(sentences) == 2 and not _is_unusual(late, self.usual_ns):
            sentences.append("nothing around it was unusual")
        return Moment(at_ns, (at_ns - self.begin_ns) / NS_PER_S, sentences)

    def _note(self, topic: str, kind: str, message: Any, received_ns: int) -> None:
        if kind == DIAGNOSTICS:
            for status in message.status:
                level = decode.diagnostic_level(status)
                if level:
                    who, text = printable(str(status.name)), printable(str(status.message))
                    self.said.append(Said(received_ns, who, text))
        elif kind == LOG:
            if int(message.level) >= _WARNING:
                who, text = printable(str(message.name)), printable(str(message.msg))
                self.said.append(Said(received_ns, who, text))
        else:
            arrivals = self.inputs[topic]
            arrivals.stamp_ns.append(decode.time_ns(message.header.stamp))
            arrivals.received_ns.append(received_ns)
            first, count = _COUNTED[kind](message)
            arrivals.first.append(int(first))
            arrivals.count.append(int(count))


def _steps(times: Sequence[int]) -> list[int]:
    """How long each stage took; nothing where one does not apply."""
    return [after - before if before and after else 0 for before, after in pairwise(times)]


def _is_unusual(value: int, usual: int) -> bool:
    return value > _UNUSUAL * usual and value - usual > _LEAST_NS


def _ms(ns: int) -> str:
    return f"{ns / 1e6:.0f}"
