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

"""Recorded gestures: sessions of `kpm record-gestures`, and folders of arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.flags import Flag
from kpm_ros.core.session_file import FILE, Session, Take
from kpm_ros.learn.gestures.armband_files import armband_files, read_armband
from kpm_ros.learn.gestures.executions import Execution, ExecutionSet, Recorded
from kpm_ros.operate.errors import UserError
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.effort import read_effort
from kpm_ros.replay.topics import EFFORT_INFO, EMG, TopicFinder
from kpm_ros.wire.decode import RefusedMessageError
from kpm_ros.wire.gesture_signals import Samples, emg_samples, shape_samples

REACTION_S = 1.0
"""What a person needs after a prompt until the gesture is made; that much of a take is left out."""
LANDMARKS_ENDING = "/landmarks"
SIMULATED = "simulated"
"""A source that is no folder: shapes of simulated hands."""


def read_executions(
    sources: Sequence[str], signals: Sequence[str], motions: int = 0
) -> ExecutionSet:
    """Read all sources, each a folder or a folder and a posture behind an @."""
    return together(read_each(sources, signals, motions))


def read_each(
    sources: Sequence[str], signals: Sequence[str], motions: int = 0
) -> list[ExecutionSet]:
    """The same, each source by itself."""
    if not sources:
        raise UserError("there is no recording: name a folder")
    return [_read(source, signals, motions) for source in sources]


def together(parts: Sequence[ExecutionSet]) -> ExecutionSet:
    """Put executions of several sources together."""
    return reduce(ExecutionSet.and_, parts)


def _read(source: str, signals: Sequence[str], motions: int) -> ExecutionSet:
    word, _, posture = source.partition("@")
    name, _, seed = word.partition(":")
    if name == SIMULATED:
        return _simulated(seed)
    folder = Path(word).expanduser()
    if (folder / FILE).is_file():
        return _of_session(folder, posture, signals)
    if not folder.is_dir() or not armband_files(folder):
        raise UserError(
            f"{folder} holds no gestures: it must be a session of `kpm record-gestures`, or a "
            "folder with files such as person_1_day_01.npz"
        )
    return read_armband(folder, motions)


def _simulated(seed: str) -> ExecutionSet:
    """Let simulated people make shapes; others with another seed."""
    from kpm_ros.learn.gestures.simulated_shapes import simulated_shapes

    if seed and not seed.isdecimal():
        raise UserError(f"{SIMULATED}:{seed} must be {SIMULATED}: and a number: other people")
    return simulated_shapes(seed=int(seed or 1))


def _of_session(folder: Path, posture: str, signals: Sequence[str]) -> ExecutionSet:
    """Read the takes that were done, rest and tasks; each is one execution."""
    session = Session.read(folder)
    executions, made = [], Counter[str]()
    known: dict[str, Samples] = {}
    for take in session.done:
        step = session.step_of(take)
        if step.kind == "mvc":
            continue
        gesture = NO_GESTURE if step.kind == "rest" else step.task
        made[gesture] += 1
        recorded = {}
        for signal in signals:
            try:
                samples = _cut(_signal(folder / take.folder, session.namespace, signal), take)
            except BagError as error:
                raise UserError(str(error)) from None
            first = known.setdefault(signal, samples)
            if samples.channels != first.channels:
                raise UserError(f"{take.folder} of {folder} has other channels of {signal}")
            recorded[signal] = Recorded(samples.stamps_ns, samples.samples)
        day = datetime.fromtimestamp(take.began_ns / 1e9, tz=timezone.utc).date().isoformat()
        executions.append(Execution(gesture, made[gesture], recorded, session.person, day, posture))
    if not executions:
        raise UserError(f"the session {folder} holds no execution that was done")
    return ExecutionSet(
        {signal: samples.channels for signal, samples in known.items()},
        {signal: _rate(samples) for signal, samples in known.items()},
        tuple(executions),
        session.simulated,
        str(folder),
    )


def _cut(samples: Samples, take: Take) -> Samples:
    """Leave out what was before the gesture was made, and after."""
    begins_ns = take.began_ns + round(REACTION_S * 1e9)
    chosen = (samples.stamps_ns >= begins_ns) & (samples.stamps_ns <= take.ended_ns)
    if not chosen.any():
        raise UserError(f"{take.folder} has no sample between its beginning and its end")
    return samples._replace(stamps_ns=samples.stamps_ns[chosen], samples=samples.samples[chosen])


def _rate(samples: Samples) -> float:
    """The rate that a signal states, or else has."""
    period_s = float(np.median(np.diff(samples.stamps_ns))) / 1e9 if len(samples.samples) > 1 else 0
    return samples.rate_hz or (1 / period_s if period_s > 0 else 1.0)


def _signal(path: Path, namespace: str, signal: str) -> Samples:
    """Read one signal of a bag."""
    with BagReader(path) as bag:
        finder = TopicFinder(bag, namespace)
        if signal == "effort":
            return _effort(bag, finder)
        if signal == "emg":
            return _joined(bag, finder.require(EMG), emg_samples)
        seen = sorted(name for name in bag.topics if name.endswith(LANDMARKS_ENDING))
        if not seen:
            raise BagError(f"the bag {path} holds no landmarks")
        usual = [name for name in seen if name.endswith("/top/landmarks")]
        return _joined(bag, (usual or seen)[0], shape_samples)


def _joined(bag: BagReader, topic: str, read: Callable[[Any], Samples]) -> Samples:
    parts = list(_parts(bag, topic, read))
    if not parts:
        raise BagError(f"{topic} of the bag {bag.folder} is empty")
    first = parts[0]
    if any(part.channels != first.channels for part in parts):
        raise BagError(f"the channels of {topic} change within the bag {bag.folder}")
    stamps_ns = np.concatenate([part.stamps_ns for part in parts])
    samples = np.concatenate([part.samples for part in parts])
    # As live: what does not come after all before it is left out.
    newest = np.maximum.accumulate(np.concatenate([[-1], stamps_ns[:-1]]))
    rising = stamps_ns > newest
    return first._replace(stamps_ns=stamps_ns[rising], samples=samples[rising])


def _parts(bag: BagReader, topic: str, read: Callable[[Any], Samples]) -> Iterator[Samples]:
    for message in bag.messages([topic]):
        try:
            yield read(bag.decode(message))
        except RefusedMessageError as error:
            raise BagError(f"{topic} of the bag {bag.folder}: {error}") from None


def _effort(bag: BagReader, finder: TopicFinder) -> Samples:
    infos = [bag.decode(message) for message in bag.messages([finder.require(EFFORT_INFO)])]
    if not infos:
        raise BagError(f"the bag {bag.folder} does not say what its effort is of")
    muscles = tuple(str(name) for name in infos[0].muscles)
    effort = read_effort(bag, finder, len(muscles))
    values = effort.effort.astype(np.float64)
    values[(effort.flags & Flag.INVALID) != 0] = np.nan
    return Samples(effort.stamps_ns, values, muscles, float(EFFORT_RATE_HZ))
