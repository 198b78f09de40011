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

"""One simulated performance, from its score to its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from kpm_ros.sense.midi.score import Score, read_midi
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import SimulatedCamera, default_cameras
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release import files, release_layout
from kpm_ros.simulate.release.released_effort import effort_samples
from kpm_ros.simulate.release.released_keys import key_samples
from kpm_ros.simulate.release.released_pose import pose_frames
from kpm_ros.simulate.release.request import Performance, Request
from kpm_ros.simulate.release.truth import as_npz, truth_arrays
from kpm_ros.simulate.tasks import TASKS, task


def make(request: Request, performance: Performance, root: Path) -> bool:
    """Simulate a performance, unless its files are there already; whether there was need to.

    Matrix products are left to one thread: several would add up in another order, and give other
    bits, according to how many there are.
    """
    stem = performance.stem
    record = f"{release_layout.CHECKS_FOLDER}/{stem}.json"
    if files.is_finished(root, record):
        return False
    with threadpool_limits(1):
        written = simulate(request, performance)
    files.write_set(root, written, record)
    return True


def simulate(request: Request, performance: Performance) -> dict[str, bytes]:
    """Give all files of a performance by their paths."""
    name, seconds, seed = performance
    person = Person.from_seed(request.person_seed(name.pianist))
    pianist = make_pianist(score_of(request, performance), seed, person, request.body)
    stem, suffix = performance.stem, release_layout.SUFFIX
    written = {}
    for number, camera in enumerate(cameras_of(request, name.pianist)):
        folder = release_layout.POSE_FOLDER.format(view=camera.name)
        frames = pose_frames(camera, pianist, seed, number, seconds)
        written[f"{folder}/{stem}{suffix}"] = files.pickled(frames)
    keys, effort = key_samples(pianist, seed, seconds), effort_samples(pianist, seed, seconds)
    written[f"{release_layout.KEYS_FOLDER}/{stem}{suffix}"] = files.pickled(keys)
    written[f"{release_layout.EFFORT_FOLDER}/{stem}{suffix}"] = files.pickled(effort)
    written[f"{release_layout.TRUTH_FOLDER}/{stem}.npz"] = as_npz(truth_arrays(pianist, seconds))
    return written


def cameras_of(request: Request, pianist: int) -> tuple[SimulatedCamera, ...]:
    """Set both cameras up for one pianist, each a little off its usual place."""
    seed = request.person_seed(pianist)
    return tuple(camera.nudged(seed + k) for k, camera in enumerate(default_cameras()))


def score_of(request: Request, performance: Performance) -> Score:
    """Write a built-in task's take, or cut one out of a MIDI file."""
    number, seconds = performance.name.task, performance.seconds
    if number <= len(TASKS):
        return task(number, performance.seed, float(seconds))
    return _excerpt(read_midi(request.midi_of(number)), performance.seed, float(seconds))


def _excerpt(score: Score, seed: int, seconds: float) -> Score:
    """Begin at a note that leaves as much music as is needed, if there is as much."""
    latest = max(score.notes[-1].onset_s - seconds, score.notes[0].onset_s)
    starts = [note.onset_s for note in score.notes if note.onset_s <= latest]
    start = float(np.random.default_rng([seed, 0x3D1]).choice(starts))
    chosen = [note for note in score.notes if start <= note.onset_s < start + seconds]
    moved = [replace(note, onset_s=note.onset_s - start) for note in chosen]
    pedals = [
        replace(move, time_s=move.time_s - start)
        for move in score.pedals
        if start <= move.time_s < start + seconds
    ]
    return Score.of(moved, pedals, f"{score.name} from {start:.1f} s")
