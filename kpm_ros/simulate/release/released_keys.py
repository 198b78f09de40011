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

"""Key depth as a piano with a sensor under every key gives it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import PIANO_KEYS
from kpm_ros.simulate.noise import generator
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ

NOISE = 0.003
"""Standard deviation of a sample, as a fraction of a key's way down."""
GAIN_ERROR = 0.01
"""Standard deviation of a sensor's own scale."""
_SENSORS = 0x5E5
_BATCH = 8192


def key_samples(performer: Performer, seed: int, seconds: int) -> NDArray[np.float32]:
    """Depth of every key at `SAMPLE_RATE_HZ`: (samples, keys). All keys are sensed."""
    draw = generator(seed, _SENSORS)
    gain = (1.0 + GAIN_ERROR * draw.standard_normal(PIANO_KEYS)).astype(np.float32)
    count = seconds * SAMPLE_RATE_HZ
    depth = np.empty((count, PIANO_KEYS), dtype=np.float32)
    for start in range(0, count, _BATCH):
        part = slice(start, min(start + _BATCH, count))
        times = np.arange(part.start, part.stop) / SAMPLE_RATE_HZ
        noise = draw.standard_normal((len(times), PIANO_KEYS), dtype=np.float32)
        depth[part] = performer.key_depth(times) * gain + np.float32(NOISE) * noise
    return depth
