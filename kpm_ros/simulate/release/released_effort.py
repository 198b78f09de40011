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

"""EMG as a lab would publish it: the envelope of raw samples, 1 = the pianist's own maximum.

The raw signal is band-passed (20 to 450 Hz), freed of the mains' hum and two of its harmonics by
narrow notches, rectified and smoothed (second order, 6 Hz); all filters run forwards and backwards,
so that nothing is delayed. A smoothed signal can swing a little below 0. These are the filters of
the live pipeline's envelope, except that those cannot run backwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from kpm_ros.sense.emg.envelope import design
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.simulate.electrodes import BAND_HZ, RATE_HZ, Electrodes
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ

ENVELOPE = EnvelopeConfig()
_BEYOND_S = 1.0
"""Recorded after the end, so that the filters know what comes."""
_MEAN_RECTIFIED = np.sqrt(2 / np.pi)
"""Mean of rectified normal noise of standard deviation 1."""


def effort_samples(performer: Performer, seed: int, seconds: int) -> NDArray[np.float32]:
    """Normalised envelope at `SAMPLE_RATE_HZ`: (samples, muscles)."""
    electrodes = Electrodes(performer, seed)
    blocks = int(np.ceil((seconds + _BEYOND_S) * RATE_HZ / electrodes.samples_per_block))
    raw = np.concatenate([electrodes.block(k) for k in range(blocks)]).astype(np.float64)
    band, smooth = design(ENVELOPE, RATE_HZ)
    passed = signal.sosfiltfilt(band, raw, axis=0)
    envelope = signal.sosfiltfilt(smooth, np.abs(passed), axis=0)
    times = np.arange(seconds * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    recorded = np.arange(len(raw)) / RATE_HZ
    # The envelope moves in tens of milliseconds: straight lines between samples follow it.
    even = np.stack([np.interp(times, recorded, column) for column in envelope.T], axis=1)
    hands = len(electrodes.channels) // len(performer.person.emg_gain_uv)
    return np.asarray(even / np.tile(maximal_contraction(performer), hands), dtype=np.float32)


def maximal_contraction(performer: Performer) -> NDArray[np.float64]:
    """Envelope of each muscle at full activation, without noise, in microvolts."""
    return np.asarray(performer.person.emg_gain_uv) * _MEAN_RECTIFIED * _passed_part()


def _passed_part() -> float:
    """How much of the carrier's size the band-pass and the notches, run twice, let through."""
    band, _ = design(ENVELOPE, RATE_HZ)
    frequencies = np.linspace(*BAND_HZ, 4001)
    response = np.abs(signal.sosfreqz(band, frequencies, fs=RATE_HZ)[1]) ** 2
    return float(np.sqrt(np.mean(response**2)))
