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

"""How far recorded effort is from what the simulated subject's muscles did.

The truth is simulated: it says how well the pipeline does what it was trained to do, on a body
that nobody has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros import graph, pipeline_nodes
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.scores.metrics import Scores, score
from kpm_ros.nodes.simulated_subjects import Truth, simulated_subject
from kpm_ros.operate import preflight
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.effort import Effort, read_effort
from kpm_ros.replay.topics import EFFORT_INFO, EMG, KEY_MOTION, TopicFinder
from kpm_ros.wire import decode


class UnknownTruthError(Exception):
    """Why effort cannot be scored, in words for the user."""


def score_demo(options: PipelineOptions, bag: Path, begin_ns: int, end_ns: int) -> Scores:
    """Score a run's recorded effort between two instants against who it was made from."""
    [node] = [node for node in graph.build(options) if node.name == "simulator"]
    parameters = preflight.read_parameters(Path(pipeline_nodes.params_file(options)))
    settings = preflight.settings_of(
        node.name, options.namespace, parameters, node.parameters, node.executable
    )
    try:
        with BagReader(bag) as reader:
            finder = TopicFinder(reader, options.namespace)
            performances = Performances(reader, finder)
            muscles = _muscles(reader, finder)
            effort = read_effort(reader, finder, len(muscles))
    except BagError as error:
        raise UnknownTruthError(str(error)) from None
    within = (effort.stamps_ns >= begin_ns) & (effort.stamps_ns < end_ns)
    return score_effort(
        simulated_subject(settings).performer, performances, muscles, effort, within
    )


def score_effort(
    performer: Truth,
    performances: Performances,
    muscles: tuple[str, ...],
    effort: Effort,
    within: NDArray[np.bool_],
) -> Scores:
    """Score the valid samples among these, each against the truth at the instant it describes."""
    unknown = [name for name in muscles if name not in performer.muscles]
    if unknown:
        raise UnknownTruthError(f"the simulated subject has no muscle {unknown[0]}")
    columns = [list(performer.muscles).index(name) for name in muscles]
    chosen = within & ((effort.flags & Flag.INVALID) == 0)
    truth, estimate = [], []
    for played, times_s in performances.times(effort.stamps_ns[chosen]):
        truth.append(performer.activation(times_s)[:, columns])
        estimate.append(effort.effort[chosen][played])
    if not truth:
        raise UnknownTruthError("no valid effort was recorded while the performance went on")
    return score([(np.concatenate(truth), np.concatenate(estimate))], muscles)


class Performances:
    """When the simulated subject began, as the counted samples of piano or EMG tell.

    A simulator that was held up for too long begins anew.
    """

    def __init__(self, bag: BagReader, finder: TopicFinder) -> None:
        """Read it from a bag; one that has neither is refused."""
        topic = finder.find(KEY_MOTION) or finder.find(EMG)
        if topic is None:
            raise UnknownTruthError("the bag has neither key motion nor EMG to tell the time by")
        self._since_ns: list[int] = []
        """First instant that is known to belong to each performance."""
        self._began_ns: list[int] = []
        for message in bag.messages([topic]):
            self._note(bag.decode(message))
        if not self._began_ns:
            raise UnknownTruthError(f"{topic} of the bag {bag.folder} is empty")

    def times(
        self, stamps_ns: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
        """For each performance, which of these instants are of it, and its own time at them."""
        number = np.searchsorted(self._since_ns, stamps_ns, side="right") - 1
        for performance, began_ns in enumerate(self._began_ns):
            played = number == performance
            if played.any():
                yield played, (stamps_ns[played] - began_ns) / NS_PER_S

    def _note(self, message: Any) -> None:
        stamp_ns = decode.time_ns(message.header.stamp)
        began_ns = stamp_ns - round(message.first_index * NS_PER_S / message.rate_hz)
        if not self._began_ns or self._began_ns[-1] != began_ns:
            self._since_ns.append(stamp_ns)
            self._began_ns.append(began_ns)


def _muscles(bag: BagReader, finder: TopicFinder) -> tuple[str, ...]:
    """Names of the muscles whose effort was recorded."""
    names: tuple[str, ...] = ()
    for message in bag.messages([finder.require(EFFORT_INFO)]):
        names = tuple(bag.decode(message).muscles)
    return names
