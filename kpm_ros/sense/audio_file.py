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

"""Sound files, read as one channel at the rate that models of sound are given."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import GB, ForeignFileError, opened, reading

AUDIO_HZ = 16_000
AUDIO_BYTES = 2 * GB
LONGEST_S = 2 * 3600.0
RATES_HZ = (1_000, 192_000)
_TOGETHER = 1 << 16
"""Samples of all channels that are read at once: a file may claim any number of channels."""


def read_audio(
    path: Path | str, from_s: float = 0.0, seconds: float = math.inf
) -> NDArray[np.float32]:
    """Read a stretch of a file of sound (WAV, FLAC, Ogg, MP3) at 16 kHz; channels are averaged."""
    import soundfile
    from scipy.signal import resample_poly

    path = Path(path).expanduser()
    with (
        reading(path, "a file of sound"),
        opened(path, AUDIO_BYTES) as file,
        soundfile.SoundFile(file) as sound,
    ):
        rate, length_s = int(sound.samplerate), sound.frames / sound.samplerate
        if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
            raise ForeignFileError(f"{path} has {rate} samples a second: {RATES_HZ} are read")
        if min(seconds, length_s - from_s) > LONGEST_S:
            raise ForeignFileError(
                f"{path} lasts {length_s / 3600:.3g} h, but only up to {LONGEST_S / 3600:g} h of "
                "sound are read at once"
            )
        sound.seek(min(round(from_s * rate), sound.frames))
        samples = _one_channel(sound, round(min(seconds, LONGEST_S) * rate))
    if not len(samples):
        raise ForeignFileError(f"{path} holds no sound from {from_s:g} s on")
    if not np.isfinite(samples).all():
        raise ForeignFileError(f"{path} holds samples that are no numbers")
    common = math.gcd(rate, AUDIO_HZ)
    resampled = resample_poly(samples, AUDIO_HZ // common, rate // common)
    return np.asarray(resampled, np.float32)


def _one_channel(sound: Any, count: int) -> NDArray[np.float32]:
    """Read so many samples, or as many as there are, and average their channels."""
    parts = [np.zeros(0, np.float32)]
    while count > 0:
        block = sound.read(min(count, _TOGETHER), dtype="float32", always_2d=True)
        parts.append(block.mean(axis=1))
        count = count - len(block) if len(block) else 0
    return np.concatenate(parts)
