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

"""How near our model and PianoKPM Net come to the truth, on SIMULATED pianists.

Without options: the shipped weights of both, on fresh pianists whom neither was trained on. Their
unseen tasks are then played by unseen pianists, which is harder than the published test.

With --train: both are trained here, on the same data and for the same time, and tested as
published; the shipped weights are scored beside them. That takes twice --time-limit-min, and about
--minutes / 8 on two cores before it. What was interrupted goes on when the command is repeated.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from _report import ROOT, bench_options, machine, print_table, write_report

from kpm_ros.core.resources import config_dir
from kpm_ros.core.worker_pool import FinishedPart
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.scores.metrics import OTD_POINTS, ratio_interval
from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable
from kpm_ros.learn.scores.score_table_text import as_text
from kpm_ros.learn.scores.scored_models import find_scored_model
from kpm_ros.learn.scores.scoring import compare
from kpm_ros.learn.training.display import TrainingDisplay
from kpm_ros.learn.training.engine import Engine
from kpm_ros.learn.training.run_folder import RunFolder
from kpm_ros.learn.training.training_run import Training, TrainingStopped
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.weight_files import read_card
from kpm_ros.operate.evaluate_output import progress
from kpm_ros.simulate.release.pianists import make_release
from kpm_ros.simulate.release.request import plan_request

SEED = 7919
"""Of the data set; shipped models must be trained on others."""
SPLITS = ("test_cross_user", "test_cross_task")
FAMILIES = {"ours": "touchnet", "pianokpm": "pianokpm-net"}
"""What is compared, and its architecture."""
PACKAGES = ("kpm_ros", "numpy", "torch", "lightning", "geomloss", "mujoco", "myo-sim")


def simulated(folder: Path, minutes: float, body: str, workers: int) -> DataSet:
    """Simulate the data set, or what is still missing of it."""
    request = plan_request(pianists=10, tasks=7, hours=minutes / 60, seed=SEED, body=body)
    total = len(list(request.performances()))
    done = 0

    def tell(step: FinishedPart) -> None:
        nonlocal done
        done += 1
        print(f"\rsimulated {done} of {total} performances", end="", flush=True)

    make_release(folder, request, workers, tell)
    print()
    return open_dataset(folder)


def all_unseen(dataset: DataSet) -> DataSet:
    """Use every performance as a test, for models that know none of the pianists."""
    unseen_tasks = {dataset.recording(name).task for name in dataset.splits["test_cross_task"]}
    stems = sorted(path.stem for path in (dataset.root / "keystroke_data").glob("*.pkl"))
    parts: dict[str, list[str]] = {split: [] for split in SPLITS}
    for stem in stems:
        of_unseen = dataset.recording(stem).task in unseen_tasks
        parts["test_cross_task" if of_unseen else "test_cross_user"].append(stem)
    return replace(dataset, splits={split: tuple(names) for split, names in parts.items()})


def shipped(architecture: str) -> str | None:
    """Name the shipped model of an architecture that needs all its senses and sees furthest."""
    found = []
    for path in sorted((config_dir() / "models").glob("*.safetensors")):
        card = read_card(path)
        if card.architecture == architecture and not card.optional:
            found.append((card.lookahead, path.stem))
    return max(found)[1] if found else None


def train_both(data: Path, folder: Path, limit_min: float, threads: int) -> list[str]:
    """Train what is not trained yet, each for the same time, and give the models' labels."""
    words = []
    for label, model in (("ours", "touchnet"), ("pianokpm", "pianokpm")):
        run = RunFolder(folder / label)
        words.append(f"{label}={run.path}")
        if run.scores.is_file():
            continue
        settings = make_settings("quick", model=model, time_limit_min=limit_min, epochs=1000.0)
        engine = Engine(threads=threads)
        training = Training(
            data=data, out=run.path, settings=settings, recipe="quick", engine=engine
        )
        print(f"training {model} for {limit_min:g} min")
        try:
            with TrainingDisplay() as display:
                training.run((display,))
        except TrainingStopped:
            raise SystemExit(128 + signal.SIGINT) from None
    return words


def figures_of(table: ScoreTable) -> dict[str, float]:
    """Every mean of the two, and their ratios with the interval over performances."""
    rows: dict[str, ModelRow] = {row.name: row for row in table.models}
    figures: dict[str, float] = {}
    for split in SPLITS:
        where = split.removeprefix("test_")
        for metric in ("rmse", "otd", "correlation"):
            for label in FAMILIES:
                mean = rows[label].interval(split, metric).mean
                figures[f"{metric}_{where}_{label}"] = mean
        for metric in ("rmse", "otd"):
            ours, theirs = (
                [getattr(score, metric) for score in rows[label].scores[split]]
                for label in FAMILIES
            )
            ratio = ratio_interval(ours, theirs)
            figures[f"{metric}_{where}_ratio"] = ratio.mean
            figures[f"{metric}_{where}_ratio_low"] = ratio.low
            figures[f"{metric}_{where}_ratio_high"] = ratio.high
    for label in FAMILIES:
        figures[f"cpu_s_per_s_{label}"] = rows[label].cost.mean
        figures[f"lookahead_ms_{label}"] = rows[label].lookahead_ms
    return figures


def scored(dataset: DataSet, words: Sequence[str]) -> ScoreTable:
    """Score all models on the two tests."""
    models = [find_scored_model(word, dataset) for word in words]
    steps = len(models) * sum(len(dataset.splits[split]) for split in SPLITS) + 1
    with progress(steps) as listener:
        rows = compare(dataset, models, SPLITS, listener=listener)
    described = machine()
    return ScoreTable(
        simulated=dataset.simulated,
        data=dataset.description,
        fingerprint=dataset.fingerprint,
        split_file="dataset_held_out.json",
        protocol="continuous",
        otd_points=OTD_POINTS,
        models=rows,
        cpu=str(described["cpu"]),
        command=shlex.join(["python", *sys.argv]),
    )


def main() -> None:
    """Read what is asked for; whatever cannot be done is said in one sentence."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="of music to simulate")
    parser.add_argument("--body", choices=("anatomical", "plain"), default="anatomical")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ours", help="shipped name or file (default: the shipped one)")
    parser.add_argument("--pianokpm", help="shipped name or file (default: the shipped one)")
    parser.add_argument("--train", action="store_true", help="train both here, too")
    parser.add_argument("--time-limit-min", type=float, default=60.0, help="of each training")
    parser.add_argument("--folder", type=Path, default=ROOT / "out" / "bench" / "accuracy")
    try:
        run(parser.parse_args())
    except (ValueError, OSError) as error:
        raise SystemExit(f"accuracy: {error}") from None


def run(arguments: argparse.Namespace) -> None:
    """Simulate, train where asked to, score, write."""
    folder = arguments.folder / f"{arguments.body}-{arguments.minutes:g}min"
    limit = arguments.time_limit_min
    print(
        f"This takes a while: {arguments.minutes:g} min of music are simulated, at some 4 times "
        "real time a core, and scored"
        + (f"; two trainings of {limit:g} min each come in between" if arguments.train else "")
        + f". Interrupted, it goes on from {folder} when the command is repeated."
    )
    known = {
        label: getattr(arguments, label) or shipped(architecture)
        for label, architecture in FAMILIES.items()
    }
    for label, word in known.items():
        if word is None and not arguments.train:
            raise SystemExit(
                f"no shipped model is a {FAMILIES[label]}: name a file with --{label}, or --train"
            )
    described = machine()
    dataset = simulated(folder / "set", arguments.minutes, arguments.body, arguments.workers)
    if arguments.train:
        runs = folder / f"{limit:g}min"
        words = train_both(dataset.root, runs, limit, arguments.workers)
        words += [f"shipped {label}={word}" for label, word in known.items() if word]
    else:
        dataset = all_unseen(dataset)
        words = [f"{label}={word}" for label, word in known.items()]
    table = scored(dataset, ["mean", "ridge", *words] if arguments.train else words)
    print(as_text(table))
    figures = figures_of(table)
    print_table("figures", ("", "value"), list(figures.items()))
    write_report(arguments.out, figures, described, PACKAGES)


if __name__ == "__main__":
    main()
