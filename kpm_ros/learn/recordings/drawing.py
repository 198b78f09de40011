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

"""Camera frames drawn out to the samples of keys and effort, by straight lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.release import release_layout as layout

Array = NDArray[np.float32]


def at_true_times(frames: Array, start: int, length: int) -> Array:
    """Draw frames (F, P) onto samples from `start` on; frame j is at sample j x 1024 / 60."""
    at = np.arange(start, start + length) * (layout.FRAME_RATE_HZ / layout.SAMPLE_RATE_HZ)
    return _drawn(frames, at)


def pinned(frames: Array, length: int) -> Array:
    """Draw frames (F, P) onto so many samples, the first on the first and the last on the last."""
    return _drawn(frames, np.linspace(0, len(frames) - 1, length))


def _drawn(frames: Array, at: NDArray[np.float64]) -> Array:
    """Give the pose at increasing fractional frame numbers; beyond the last it stands still."""
    left = np.minimum(at.astype(np.int64), len(frames) - 1)
    right = np.minimum(left + 1, len(frames) - 1)
    part = (at - left).astype(np.float32)[:, None]
    near = frames[left[0] : right[-1] + 1]
    before, after = near[left - left[0]], near[right - left[0]]
    return np.asarray(before + (after - before) * part, np.float32)
