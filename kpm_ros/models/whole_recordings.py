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

"""Whole recordings taken to a device of torch, in chunks that bound the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kpm_ros.models.architecture import Stretch

CHUNK = 8192
"""Samples that are taken to the device at once."""

Array = NDArray[np.float32]


def usable_device(name: str) -> torch.device:
    """Find a device of torch by its name, and refuse a GPU that is not there."""
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"the device {name!r} cannot be used: torch sees no GPU; 'cpu' works")
    return torch.device(name)


class OverlappingChunks:
    """Takes recordings to a device in chunks that overlap by what a network can see.

    Memory then does not grow with a recording's length.
    """

    def __init__(self, device: torch.device, size: int, behind: int, ahead: int) -> None:
        """Size of a chunk, and how far behind and ahead of it the network sees, in samples."""
        self._device = device
        self._size, self._behind, self._ahead = size, behind, ahead

    def through(
        self, network: Callable[[int, Tensor], Tensor], stretch: Stretch
    ) -> Iterator[Tensor]:
        """Give what the network makes of each chunk in turn, (channels, samples).

        The network is given the grid index at which a chunk begins, and its values (1, W, T).
        """
        samples = len(stretch.values)
        for start in range(0, samples, self._size):
            end = min(samples, start + self._size)
            first, last = max(0, start - self._behind), min(samples, end + self._ahead)
            values = self._on_device(stretch.values[first:last])
            # TF32 would round the convolutions' inputs to ten bits.
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                made = network(stretch.first_index + first, values)
            yield made[0, :, start - first : end - first]

    def _on_device(self, rows: Array) -> Tensor:
        columns = np.ascontiguousarray(rows.T, dtype=np.float32)
        return torch.from_numpy(columns)[None].to(self._device)
