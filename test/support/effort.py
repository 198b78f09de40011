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

"""Effort as it must arrive: one sample after the other."""

from __future__ import annotations

from kpm_ros.client import EffortBatch, EffortReader
from support.waiting import wait_for


def gapless(
    reader: EffortReader, samples: int, timeout_s: float = 60, *, valid: bool = False
) -> list[EffortBatch]:
    """Take effort until so many samples have come without a gap, valid ones where asked.

    A gap begins it anew: effort is sent without repetition, so a socket that overflows while this
    process waits for a processor loses some of it. A graph that loses effort itself never passes.
    """
    whole: list[EffortBatch] = []

    def enough() -> bool:
        lost, batch = reader.lost, reader.take()
        if reader.lost > lost or (valid and not batch.valid.all()):
            whole.clear()
        elif len(batch):
            # Before anything came, not even the number of muscles was known.
            whole.append(batch)
        return sum(map(len, whole)) > samples

    kind = "valid effort" if valid else "effort"
    wait_for(enough, f"{samples} samples of {kind} without a gap", timeout_s)
    assert reader.out_of_order == 0
    return whole
