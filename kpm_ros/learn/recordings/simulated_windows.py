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

"""Takes of simulated exercisers as windows in the published layout of Muscles in Action.

What needs the SMPL model of bodies (pose, betas, verts, joints2dsmpl) is not written: its licence
does not let it be part of this project.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_arrays
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.learn.recordings.mia_files import PICTURE
from kpm_ros.learn.recordings.mia_release import INNER
from kpm_ros.learn.recordings.mia_splits import EXERCISES, PEOPLE, SPLIT_FILE, TRAIN, VAL
from kpm_ros.models.mia.published import MUSCLES, RATE_HZ, WINDOW
from kpm_ros.simulate.exerciser.body_view import BODY_SKELETON
from kpm_ros.simulate.exerciser.exerciser_request import NOTICE, TAKES_FOLDER, ExerciserRequest
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES
from kpm_ros.simulate.release.release_layout import SPLITS
from kpm_ros.simulate.release.splits import held_out_splits

Array = NDArray[np.float64]

VAL_SHARE = 0.2
"""Part of each take, its end, that is in val/."""
_BOX_MARGIN = 1.2
"""Size of a box around a person, relative to the person."""
_PIXELS = 1.5 * 1280.0
"""Width of the whole picture in pixels of the published one, which shows its middle."""
_README = f"""{NOTICE}

Windows of 3 s at 10 Hz in the layout of Muscles in Action (Chiquier & Vondrick, ICCV 2023):
emgvalues.npy      (30, 8)      counts of the sensor: {", ".join(MUSCLES)}
emgvaluesstd.npy   (30, 8)      their standard deviation within a tenth of a second
joints3d.npy       (30, 25, 3)  BODY_25, metres from the middle of the hips, x right, y down, z away
joints2d.npy       (30, 25, 2)  pixels of a picture of {PICTURE[0]} x {PICTURE[1]}
bboxes.npy         (30, 4)      centre and size of a square around the person, in pixels
predcam.npy        (30, 3)      scale and shift that put joints3d into that square, -1 to 1
origcam.npy        (30, 4)      scales and shifts that put them into the picture, -1 to 1
Absent, as they need the SMPL model: pose.npy, betas.npy, verts.npy, joints2dsmpl.npy.
"""


def write_windows(root: Path, request: ExerciserRequest, takes: Path) -> None:
    """Write all takes as windows, and the lists of what is left out of training."""
    listed: dict[str, list[str]] = defaultdict(list)
    numbers: dict[tuple[int, str], int] = defaultdict(int)
    for part in request.performances():
        arrays = read_arrays(takes / TAKES_FOLDER / f"{part.stem}.npz")
        count = part.seconds * RATE_HZ // WINDOW
        last = max(1, round(VAL_SHARE * count)) if count > 1 else 0
        exercise, subject = request.exercise(part.name), part.name.pianist - 1
        for window in range(count):
            number = numbers[subject, exercise]
            numbers[subject, exercise] += 1
            group = VAL if window >= count - last else TRAIN
            name = f"{group}/Subject{subject}/{exercise}/{number}"
            _write_window(root / INNER / name, arrays, window)
            listed[str(part.name)].append(name)
    _write_lists(root / INNER, request, listed)
    for place in (root, root / INNER):
        write_atomically(place / "README.txt", _README.encode(), durable=True)


def _write_window(folder: Path, arrays: Mapping[str, NDArray[np.generic]], window: int) -> None:
    folder.mkdir(parents=True)
    for name, values in window_arrays(arrays, window).items():
        np.save(folder / f"{name}.npy", np.asarray(values, np.float32), allow_pickle=False)


def window_arrays(arrays: Mapping[str, NDArray[np.generic]], window: int) -> dict[str, Array]:
    """Cut a window out of a take, and tell it as the published files do."""
    first = window * WINDOW
    times = np.arange(first, first + WINDOW) / RATE_HZ
    stamps = np.asarray(arrays["stamps_s"], np.float64)
    metres, points = (np.asarray(arrays[name], np.float64) for name in ("metres", "points"))
    seen = np.flatnonzero(np.isfinite(metres).all(axis=(1, 2)))
    # The frame of each tenth of a second, or the one nearest to it in which somebody was found.
    nearest = seen[np.abs(stamps[seen][None] - times[:, None]).argmin(axis=1)]
    joints3d = body25(metres[nearest])
    joints3d -= joints3d[:, [_MIDDLE_HIP]]
    joints2d = body25(points[nearest])[..., :2]
    width, height = PICTURE
    joints2d[..., 0] = width / 2 + (joints2d[..., 0] - 0.5) * _PIXELS
    joints2d[..., 1] = height / 2 + (joints2d[..., 1] - 0.5) * _PIXELS * 720 / 1280
    counts = np.asarray(arrays["counts"], np.float64)
    per_frame = round(float(arrays["rate_hz"]) / RATE_HZ)
    columns = [SURFACE_MUSCLES.index(muscle) for muscle in MUSCLES]
    part = counts[first * per_frame : (first + WINDOW) * per_frame, columns]
    within = part.reshape(WINDOW, per_frame, len(MUSCLES))
    low, high = joints2d.min(axis=1), joints2d.max(axis=1)
    centre, size = (low + high) / 2, _BOX_MARGIN * (high - low).max(axis=1)
    square = (joints2d - centre[:, None]) / (size[:, None, None] / 2)
    picture = joints2d / (np.array(PICTURE) / 2) - 1.0
    whole = [_fitted(joints3d[..., axis], picture[..., axis]) for axis in range(2)]
    return {
        "emgvalues": np.rint(within.mean(axis=1)),
        "emgvaluesstd": within.std(axis=1),
        "joints3d": joints3d,
        "joints2d": joints2d,
        "bboxes": np.column_stack([centre, size, size]),
        "predcam": _one_scale(joints3d[..., :2], square),
        "origcam": np.column_stack([whole[0][0], whole[1][0], whole[0][1], whole[1][1]]),
    }


def body25(points: Array) -> Array:
    """Tell a body's 33 points (n, 33, d) as OpenPose's 25."""
    out = np.empty((len(points), len(_BODY25.points), points.shape[2]))
    place = {name: number for number, name in enumerate(BODY_SKELETON.points)}
    for number, name in enumerate(_BODY25.points):
        if name in place:
            out[:, number] = points[:, place[name]]
    pair = points[:, [place["left_shoulder"], place["right_shoulder"]]]
    out[:, _BODY25.points.index("neck")] = pair.mean(axis=1)
    hips = points[:, [place["left_hip"], place["right_hip"]]]
    out[:, _MIDDLE_HIP] = hips.mean(axis=1)
    across = hips[:, 0] - hips[:, 1]
    for side, outwards in (("left", 1.0), ("right", -1.0)):
        toe, heel = (points[:, place[f"{side}_{part}"]] for part in ("foot_index", "heel"))
        out[:, _BODY25.points.index(f"{side}_big_toe")] = toe
        # A tracker of 33 points knows one toe: the small one is further out and further back.
        small = toe + 0.12 * (heel - toe) + _TOES * outwards * across
        out[:, _BODY25.points.index(f"{side}_small_toe")] = small
    return out


_BODY25 = find_skeleton("openpose-body25")
(_MIDDLE_HIP,) = _BODY25.role("root")
_TOES = 0.3
"""How far apart toes are, relative to the hips."""


def _fitted(x: Array, y: Array) -> tuple[Array, Array]:
    """Scale and shift, y = scale (x + shift), that fit best at each instant."""
    off = x - x.mean(axis=1, keepdims=True)
    scale = (off * y).sum(axis=1) / np.maximum((off * off).sum(axis=1), 1e-9)
    scale = np.where(np.abs(scale) < 1e-6, 1e-6, scale)
    return scale, y.mean(axis=1) / scale - x.mean(axis=1)


def _one_scale(x: Array, y: Array) -> Array:
    """One scale and two shifts at each instant: (n, 3)."""
    off = x - x.mean(axis=1, keepdims=True)
    scale = (off * y).sum(axis=(1, 2)) / np.maximum((off * off).sum(axis=(1, 2)), 1e-9)
    shift = y.mean(axis=1) / scale[:, None] - x.mean(axis=1)
    return np.column_stack([scale, shift])


def _write_lists(root: Path, request: ExerciserRequest, listed: Mapping[str, list[str]]) -> None:
    """Write the published kinds of lists, and splits like those of the container."""
    everything = [name for names in listed.values() for name in names]

    def write(kind: str, word: str, names: list[str]) -> None:
        lines = "".join(f"{root.name}/{name}\n" for name in names)
        write_atomically(root / kind / f"{word}.txt", lines.encode(), durable=True)

    def without(kind: str, words: Sequence[str]) -> None:
        """List, for each exercise or person, the training without it and its own validation."""
        for word in words if len(words) > 1 else ():
            own = [name for name in everything if f"/{word}/" in name]
            others = [name for name in everything if f"/{word}/" not in name]
            write(kind, f"{TRAIN}_{word}", [name for name in others if name.startswith(TRAIN)])
            write(kind, f"{VAL}_{word}", [name for name in own if name.startswith(VAL)])

    without(EXERCISES, request.exercises)
    without(PEOPLE, [f"Subject{number}" for number in range(request.persons)])
    places = held_out_splits(request)
    splits = {
        split: [name for take in places[split] for name in listed[str(take)]] for split in SPLITS
    }
    write_atomically(
        root / SPLIT_FILE, (json.dumps(splits, indent=1) + "\n").encode(), durable=True
    )
