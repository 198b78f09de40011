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
"""Networks trained until they stop improving, PianoKPM Net with several output scales.

Its decoder's last layer is multiplied by a number that is part of the architecture, 0.01 as
published. On SIMULATED pianists the light form is trained with others in its place, too, each from
the same random weights, which begin with outputs of one size whatever the scale; beside it, on the
same data, other networks. The learning rate stays what it is, the loss is the published one but for
CodeTalker's own, the weights' running mean is checked, and a training ends when checks no longer
improve, or after --minutes on the processor. Scored on a pianist whom none has met, and on other
takes of those they have. What was interrupted goes on when the command is repeated.
"""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

from _report import ROOT, bench_options, machine, print_table, write_report

from kpm_ros.cli import main as kpm
from kpm_ros.learn.training.display import TrainingDisplay
from kpm_ros.learn.training.engine import Engine
from kpm_ros.learn.training.run_folder import RunFolder, read_metrics
from kpm_ros.learn.training.training_run import Training, TrainingStopped
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.pianokpm.configuration import PianoKPM
from kpm_ros.models.pianokpm.shapes import LIGHT, STRUCTURES
from kpm_ros.models.registry import find_architecture, register

FOLDER = ROOT / "out" / "bench" / "rivals"
DATA = ("--pianists", "6", "--tasks", "4", "--takes", "1", "--hours", "0.13", "--seed", "31")
MODELS = ("touchnet", 0.01, 0.1, "codetalker-light", 1.0)
"""What is trained; a number is PianoKPM Net's light form with that output scale."""
SPLITS = ("test", "test_cross_user")
CHECK_EVERY, AVERAGE = 100, 0.99
"""Steps between checks, and how much of the weights' running mean is kept at each step."""
PACKAGES = ("kpm_ros", "numpy", "torch")


def with_scale(scale: float) -> str:
    """Add the light form with another output scale to what can be trained, and give its name."""
    name = f"pianokpm-light-{scale:g}"
    STRUCTURES[name] = replace(LIGHT, effort_scale=scale)
    light = find_architecture("pianokpm-light")
    register(
        PianoKPM(
            name=name,
            description=f"{light.description}, outputs multiplied by {scale:g}",
            random_gain=dict.fromkeys(light.random_gain, 0.5 / scale),
        )
    )
    return name


def trained(data: Path, model: str, minutes: float, patience: int) -> dict[str, float]:
    """Train a model, or go on with it, and say how it does and whether it was done."""
    run = RunFolder(FOLDER / f"{model}-{minutes:g}min")
    settings = make_settings(
        "quick",
        model=model,
        epochs=4000.0,
        schedule="constant",
        average=AVERAGE,
        **({} if "codetalker" in model else {"sinkhorn": 1.0}),
        check_every=CHECK_EVERY,
        patience=patience,
        time_limit_min=minutes,
        time_limit_of="processor",
    )
    if not run.scores.is_file():
        training = Training(data=data, out=run.path, settings=settings, engine=Engine(threads=1))
        try:
            with TrainingDisplay() as display:
                training.run((display,))
        except TrainingStopped:
            raise SystemExit(128 + signal.SIGINT) from None
    scores = json.loads(run.scores.read_text())["splits"]
    checks = [row for row in read_metrics(run.metrics) if "validation_rmse" in row]
    best = min(checks, key=lambda row: float(row["validation_rmse"]))
    return {
        "val_rmse": best["validation_rmse"],
        **{f"{split}_rmse": float(scores[split]["rmse"]) for split in SPLITS},
        "mean_rmse": float(scores["test_cross_user"]["baseline_mean_rmse"]),
        "epochs": checks[-1]["epoch"],
        "minutes": checks[-1]["elapsed_s"] / 60,
        "best_minutes": best["elapsed_s"] / 60,
        "stopped_improving": float(checks[-1]["elapsed_s"] < 60 * minutes),
    }


def main() -> None:
    """Train all, and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--minutes", type=float, default=6.0, help="on the processor, of each")
    parser.add_argument(
        "--patience", type=int, default=8, help="checks without improvement that end a training"
    )
    arguments = parser.parse_args()
    described = machine()
    data = FOLDER / "set"
    if kpm(["simulate", *DATA, "--out", str(data)]):
        parser.exit(1, "the data could not be simulated\n")
    figures: dict[str, float] = {}
    rows = []
    for one in MODELS:
        model = one if isinstance(one, str) else with_scale(one)
        found = trained(data, model, arguments.minutes, arguments.patience)
        rows.append((model, *found.values()))
        figures |= {f"{name}_{model}": each for name, each in found.items()}
        print_table("RMSE of networks on SIMULATED pianists", ("", *found), rows)
        write_report(arguments.out, figures, described, PACKAGES)


if __name__ == "__main__":
    main()
