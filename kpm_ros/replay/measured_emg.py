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

"""Effort as EMG in a bag measured it, to set estimates beside it.

It is made as that of data sets is (`learn/importing/emg_truth.py`), but at the amplifier's own
rate, so that delays are told as finely as they were recorded.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kpm_ros.learn.importing.emg_truth import EmgRules, EmgTruth, truth_of
from kpm_ros.learn.importing.one_clock import of_one_clock
from kpm_ros.learn.recordings.recording import Truth
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import EMG, TopicFinder
from kpm_ros.sense.emg.personal_envelope import MVC_UNIT
from kpm_ros.wire import decode

ENVELOPE = "/emg/envelope"
SCALE_PERCENTILE = 99.0


def measured_emg(bag: BagReader, finder: TopicFinder, rules: EmgRules) -> EmgTruth:
    """Make effort of the envelope that a bag holds, or else of its raw samples."""
    topics = [name for name, kind in bag.topics.items() if kind == EMG and bag.counts[name]]
    ready = [name for name in topics if name.endswith(ENVELOPE)]
    topic = ready[0] if ready else finder.find(EMG)
    if not topic or not bag.counts[topic]:
        raise BagError(f"the bag {bag.folder} holds no EMG: there is nothing to measure effort by")
    received = [
        (decode.channel_chunk(bag.decode(message)), message.stamp_ns)
        for message in bag.messages([topic])
    ]
    said: list[str] = []
    chunks = [chunk for chunk, _ in of_one_clock("the EMG", received, said)]
    if not chunks:
        raise BagError(f"{topic} of the bag {bag.folder} is empty")
    rules = replace(rules, rate_hz=chunks[0].rate_hz)
    found = truth_of(chunks, rules, is_envelope=bool(ready))
    said += found.said
    truth = found.truth
    if truth.unit != MVC_UNIT:
        truth = _relative(truth)
        said.append(
            f"no maximum contraction is known, so each muscle is a {truth.unit} of this bag: RMSE, "
            "slope and offset say little"
        )
    return EmgTruth(truth, found.start_ns, tuple(f"{topic}: {sentence}" for sentence in said))


def _relative(truth: Truth) -> Truth:
    """Bring each muscle to a size of its own."""
    known = np.where(np.isfinite(truth.values).any(axis=0), truth.values, np.float32(0))
    most = np.nanpercentile(known, SCALE_PERCENTILE, axis=0)
    values = np.asarray(truth.values / np.where(most > 0, most, np.nan), np.float32)
    unit = f"fraction of the {SCALE_PERCENTILE:g}th percentile"
    return replace(truth, values=values, unit=unit)
