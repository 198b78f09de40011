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

"""What a run's bag came to: how much is in it, and whether effort is in it without a gap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader

INDEX_OFFSET = 20
"""Where a serialised MuscleEffort without a frame id holds its index: after encapsulation, stamp,
and the empty string with its padding."""


def describe_bag(folder: Path, namespace: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Give the bag's facts (None without a bag) and what is wrong with it."""
    if not folder.is_dir():
        return None, ["nothing was recorded"]
    size = sum(path.stat().st_size for path in folder.iterdir())
    topic = f"/{namespace}/effort"
    try:
        with BagReader(folder) as bag:
            facts = {"path": str(folder), "messages": sum(bag.counts.values()), "bytes": size}
            messages = bag.messages([topic]) if topic in bag.topics else ()
            index = np.array([_index(message.data) for message in messages], np.int64)
    except BagError as error:
        return None, [str(error)]
    if not len(index):
        return facts, ["the bag holds no effort"]
    lost = int(np.maximum(np.diff(index) - 1, 0).sum())
    return facts, [f"the recorder missed {lost} effort messages"] if lost else []


def _index(data: bytes) -> int:
    return int.from_bytes(data[INDEX_OFFSET : INDEX_OFFSET + 8], "little")
