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

"""What a wrong clock costs: effort when the cameras' host is ahead of the piano's, or behind it.

A simulated performance that the model was not trained on is estimated with its pose moved in time
against its keys; the error against the true effort is compared with that of clocks that agree.
"""

from __future__ import annotations

import numpy as np
from _report import bench_options, machine, print_table, write_report
from numpy.typing import NDArray

from kpm_ros.core.resources import DEFAULT_MODEL, find_model
from kpm_ros.models import weight_files
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.streaming_network import StreamingNetwork
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.dataset import Rendering, render
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.person import Person

PACKAGES = ("numpy", "numba")
OFFSETS_MS = (1, 2, 5, 10, 20, 50)
SEED = 77
EDGE_S = 0.2
"""Left out at either end, where moved pose would lack its neighbours."""


def rmse(stream: StreamingNetwork, played: Rendering, pose: NDArray[np.float32]) -> float:
    """Error of the effort estimated from this pose and the performance's keys."""
    stream.reset(0)
    head = stream.push(np.concatenate([pose, played.keys], axis=1))
    effort = np.concatenate([head, stream.flush()])
    edge = round(EDGE_S * stream.card.rate_hz)
    difference = (effort - played.effort)[edge:-edge]
    return float(np.sqrt(np.mean(difference**2)))


def moved(pose: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """Pose of so many samples ago, or later."""
    return np.roll(pose, samples, axis=0)


def main() -> None:
    """Run and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="length of the performance")
    arguments = parser.parse_args()
    here = machine()
    card, tensors = weight_files.load_model(find_model(DEFAULT_MODEL))
    estimator = architecture_of(card).stream(card, tensors)
    pianist = make_pianist(five_finger_study(), SEED, Person.from_seed(SEED))
    played = render(pianist, default_cameras(), arguments.seconds, SEED, rate_hz=card.rate_hz)
    agreed = rmse(estimator, played, played.pose)
    figures, rows = {"agreed_rmse": agreed}, []
    for offset_ms in OFFSETS_MS:
        samples = round(offset_ms * card.rate_hz / 1000)
        worse = [
            rmse(estimator, played, moved(played.pose, s)) / agreed for s in (samples, -samples)
        ]
        rows.append([f"{offset_ms} ms", *worse])
        figures[f"pose_late_{offset_ms}_ms_rmse_ratio"] = worse[0]
        figures[f"pose_early_{offset_ms}_ms_rmse_ratio"] = worse[1]
    print(f"error with clocks that agree: {agreed:.4f}")
    print_table("Error by offset, as a ratio", ["offset", "pose late", "pose early"], rows)
    write_report(arguments.out, figures, here, PACKAGES)


if __name__ == "__main__":
    main()
