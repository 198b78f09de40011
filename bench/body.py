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

"""A body's muscles from one camera, measured on SIMULATED exercisers and on one real walk.

1. The Transformer of Muscles in Action's paper is trained on the shipped model's own data and with
   as much computing, unless --transformer names one. Fresh simulated persons, whom neither has met,
   do all exercises; how fast that is simulated on one core. Both are scored as there, on windows of
   3 s at 10 Hz: on exercises that training left out, and on persons.
2. The simulated body does a real walk that others measured, with their reaction forces; its joint
   moments are compared with theirs, and its activations with their EMG. Without the recording in
   `data/body` of --shared this part is left out, and says so.
3. The live graph, `kpm demo subject:=body`: delay and CPU, on a simulated exerciser, and on a real
   picture of a person that is moved about before the real tracker.

With --only one of these parts is taken anew, and the report keeps the others' figures.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import _live_body
from _report import OUT, ROOT, bench_options, machine, print_table, write_report

from kpm_ros.learn.scores.mia_report import read_mia_report
from kpm_ros.learn.scores.mia_report_text import as_text
from kpm_ros.simulate.exerciser.measured_walk import WalkStudy, study

SHARED = ROOT.parent / "shared"
SEED = 7919
"""Of the persons; shipped models must be trained on others."""
OURS = "bodynet-sim"
TRAINED_ON = ("--persons", "16", "--hours", "1.6", "--seed", "1")
"""What the shipped models' data were made with."""
TRAINED_FOR = ("--time-limit-min", "5", "--time-limit-of", "processor")
RECIPE = ("--recipe", "quick", "--epochs", "4000", "--learning-rate", "1e-3", *TRAINED_FOR)
"""The learning rate is the best of 1e-4, 3e-4 and 1e-3 on the validation part."""
SETS = {"exercise": "test_cross_task", "person": "test_cross_user"}
"""What is unseen in them, and what they are called."""
PACKAGES = ("kpm_ros", "numpy", "torch", "numba", "mujoco", "myo-sim", "mediapipe")


def kpm(*words: str) -> str:
    """Run a command of ours; ends the benchmark where it cannot be run."""
    command = [sys.executable, "-m", "kpm_ros.cli", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command[2:])} ended with {done.returncode}")
    return done.stdout


def transformer() -> str:
    """Train the paper's Transformer as much as ours was, or take the one that was before."""
    data, run = OUT / "body-train", OUT / "body-transformer"
    if not (run / "model.safetensors").is_file():
        kpm("simulate", "--subject", "body", *TRAINED_ON, "--out", str(data))
        kpm("train", str(data), "--out", str(run), "--model", "mia-paper-transformer", *RECIPE)
    return f"mia-paper-transformer={run}"


def simulated(folder: Path, minutes: float) -> dict[str, float]:
    """Simulate the persons with one process, and tell how fast that went."""
    said = kpm(
        *("simulate", "--subject", "body", "--persons", "6", "--hours", str(minutes / 60)),
        *("--seed", str(SEED), "--workers", "1", "--out", str(folder)),
    )
    print(said, end="")
    found = re.findall(r"([\d.]+) times real time", said)
    made = "were there already" not in said
    return {"realtime_factor": float(found[-1])} if found and made else {}


def scored(folder: Path, models: list[str]) -> dict[str, float]:
    """Score the models on what they have not met."""
    path = OUT / "body-scores.json"
    kpm(
        *("evaluate", str(folder), "--report", "mia", "--models", *models),
        *("--split", *SETS.values(), "--json", str(path)),
    )
    report = read_mia_report(path)
    print(as_text(report), end="")
    labels = [model.partition("=")[0] for model in models]
    names = dict(zip(("ours", "transformer"), labels, strict=True))
    return {
        f"rmse_{what}_{name}": report.exercises[split][model].pooled
        for what, split in SETS.items()
        for name, model in names.items()
    }


def walked(folder: Path) -> dict[str, float]:
    """Compare the simulated body with the walk that was measured."""
    if not folder.is_dir():
        print(f"\nno measured walk in {folder}: that part is left out")
        return {}
    walk: WalkStudy = study(folder)
    moments = [
        [joint, error, walk.moment_error_n_m[joint]]
        for joint, error in walk.moment_error_fraction.items()
    ]
    head = ["joint", "RMS error / range", "RMS error, N m"]
    print_table("Moments of a real walk, beside those that others computed", head, moments)
    muscles = [
        [muscle, r, walk.emg_best_correlation[muscle], 1e3 * walk.emg_lag_s[muscle]]
        for muscle, r in walk.emg_correlation.items()
    ]
    head = ["muscle", "correlation", "at its lag", "lag, ms"]
    print_table("Activations of the simulated body, beside the walk's EMG", head, muscles)
    shared = [[axis, error] for axis, error in walk.force_error_fraction.items()]
    print_table("Shared reaction forces, RMS error / body weight", ["", ""], shared)
    return {
        "walk_moment_error_fraction": walk.walk_moment_error_fraction,
        "walk_emg_correlation": walk.walk_emg_correlation,
        "walk_residual_fraction": walk.residual_fraction,
        "walk_centre_error_m": walk.centre_error_m,
    }


def main() -> None:
    """Run everything and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--minutes", type=float, default=20, help="of simulated exercise")
    parser.add_argument("--seconds", type=float, default=30, help="of the live graph")
    parser.add_argument("--transformer", default="", metavar="MODEL", help="one that is trained")
    parser.add_argument("--shared", type=Path, default=SHARED, help="where real recordings are")
    parser.add_argument("--only", choices=("accuracy", "walk", "live"), help="one of the parts")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    here, only = machine(), arguments.only
    figures: dict[str, float] = {}
    if only and arguments.out.is_file():
        figures |= json.loads(arguments.out.read_text())["figures"]
    if only in (None, "accuracy"):
        folder = OUT / f"body-{arguments.minutes:g}min"
        figures |= simulated(folder, arguments.minutes)
        figures |= scored(folder, [OURS, arguments.transformer or transformer()])
    if only in (None, "walk"):
        figures |= walked(arguments.shared / "data" / "body")
    if only in (None, "live"):
        demo = OUT / "body-demo"
        figures |= _live_body.measure(arguments.shared, demo, arguments.seconds, OURS)
    write_report(arguments.out, figures, here, PACKAGES)


if __name__ == "__main__":
    main()
