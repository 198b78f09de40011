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

"""Small simulated movements of two hands with their music, for tests of models of movement."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE

RATE_HZ = 30.0


def movement(seed: int = 0, frames: int = 300, shift_m: float = 0.0) -> HandMotion:
    """Two hands that glide over the keys, and bend as they do."""
    times = np.arange(frames) / RATE_HZ
    hands = {}
    for number, side in enumerate(("right", "left")):
        across = 0.7 - 0.4 * number + 0.15 * np.sin(times * (1 + 0.2 * seed) + seed) + shift_m
        place = np.stack([across, 0 * times + 0.05, 0 * times + 0.08], axis=1)
        rotations = np.zeros((frames, 16, 3))
        bend = 0.3 + 0.2 * np.sin(times[:, None] * (2 + np.arange(16) / 4) + seed)
        rotations[:, :, 0] = bend
        rotations[:, :, 1] = 0.1 * bend**2
        hands[side] = OneHandMotion(
            np.ones(frames, bool), place=np.float32(place), rotations=np.float32(rotations)
        )
    return HandMotion(RATE_HZ, hands, simulated=True, title=f"m{seed}")


def write_music(motion: HandMotion, path: Path) -> None:
    """Write notes under the hands, three a second."""
    events = []
    for hand in motion.hands.values():
        assert hand.place is not None
        for frame in range(0, len(motion), 10):
            note = FIRST_NOTE + int(np.abs(KEY_X_M - hand.place[frame, 0]).argmin())
            events += [(frame / RATE_HZ, 80, note), (frame / RATE_HZ + 0.25, 0, note)]
    track, last = mido.MidiTrack(), 0
    for at_s, velocity, note in sorted(events):
        tick = round(at_s * 960)  # of 480 a beat, two beats a second
        track.append(mido.Message("note_on", note=note, velocity=velocity, time=tick - last))
        last = tick
    mido.MidiFile(tracks=[track]).save(str(path))


def movements(folder: Path, train: int = 3, valid: int = 1) -> Path:
    """Write a folder of them, as training reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"m{seed}" for seed in range(train + valid)]
    for seed, name in enumerate(names):
        one = movement(seed)
        one.save(folder / f"{name}.npz")
        write_music(one, folder / f"{name}.mid")
    (folder / "train.txt").write_text("".join(f"{name}\n" for name in names[:train]))
    (folder / "valid.txt").write_text("".join(f"{name}\n" for name in names[train:]))
    (folder / "test.txt").write_text("".join(f"{name}\n" for name in names[train:]))
    return folder
