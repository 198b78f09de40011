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

"""How far points in space are off: by finger, by number of cameras, and without the keys."""

from __future__ import annotations

import numpy as np
from _points import points_error_mm
from _report import bench_options, machine, print_table, write_report
from numpy.typing import NDArray

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, NEWEST, Landmarks, PianoKeys, Stream, Streams
from kpm_ros.learn.recordings.aligned_performance import align_performance
from kpm_ros.sense.samples import HAND
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.hand import FINGER_NAMES
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.rooms import draw_room

SKELETON = find_skeleton(HAND)
STREAM = Landmarks("hand", SKELETON, 3, KEYBOARD, timing=NEWEST)
RATE_HZ = 240
KNOWN_S = 5.0
"""By then the hand's size is known where anything tells it."""
PARTS = {"wrist": SKELETON.role("root")} | {name: SKELETON.role(name) for name in FINGER_NAMES}


def errors_mm(seed: int, cameras: int, seconds: float, keys: bool) -> NDArray[np.float64]:
    """Of each point, once the hand is known: (instants, points)."""
    pianist = make_pianist(five_finger_study(), seed, Person.from_seed(seed), "plain")
    listed: tuple[Stream, ...] = (STREAM, PianoKeys()) if keys else (STREAM,)
    rows = align_performance(
        pianist,
        draw_room(seed, cameras=cameras),
        Streams(listed),
        seconds,
        seed=seed,
        rate_hz=RATE_HZ,
    )
    known = (rows.missing & 1) == 0
    stamps_s = np.arange(len(rows.values)) / RATE_HZ
    known &= stamps_s > KNOWN_S
    return points_error_mm(pianist, STREAM, rows.values[known, : STREAM.width], stamps_s[known])


def main() -> None:
    """Measure in SIMULATED rooms."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--rooms", type=int, default=6, help="SIMULATED rooms of each kind")
    parser.add_argument("--seconds", type=float, default=15.0, help="of playing in each")
    options = parser.parse_args()
    described = machine()
    figures, rows = {}, []
    for cameras, keys in ((3, True), (2, True), (1, True), (1, False)):
        each = [
            errors_mm(seed, cameras, options.seconds, keys)
            for seed in range(900, 900 + options.rooms)
        ]
        off = np.concatenate(each)
        kind = f"{cameras}_cameras" if keys else f"{cameras}_cameras_deaf"
        row = [f"{cameras}{'' if keys else ', no keys heard'}"]
        for part, points in PARTS.items():
            figures[f"points_error_mm_p50_{kind}_{part}"] = float(np.median(off[:, points]))
            row.append(f"{np.median(off[:, points]):.1f}")
        for percent in (50, 95):
            value = float(np.percentile(off, percent))
            figures[f"points_error_mm_p{percent}_{kind}"] = value
            row.append(f"{value:.1f}")
        rows.append(row)
    head = ("SIMULATED: cameras", *(f"{part}, median mm" for part in PARTS), "all, median", "p95")
    print_table("points in space", head, rows)
    write_report(options.out, figures, described, ("numpy", "numba"))


if __name__ == "__main__":
    main()
