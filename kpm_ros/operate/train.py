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

"""`kpm train`: a data set on disk into a model file, by the published recipe or a quick one."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from kpm_ros.core.lock import hold
from kpm_ros.learn.training.training_settings import (
    KEPT,
    POSE_TIMINGS,
    PRECISIONS,
    QUICK,
    RECIPES,
    SCHEDULES,
    TIMES,
    Settings,
    make_settings,
)
from kpm_ros.operate import train_motion, train_series
from kpm_ros.operate.errors import needed_libraries, user_errors

NAME = "train"
PURPOSE = "train a model on a data set, real or simulated"
EXAMPLES = """\
examples:
  kpm train out/data --out out/run                        the published recipe, for a GPU
  kpm train out/data --out out/run --recipe quick --time-limit-min 10
                                                          what two CPU cores can do in 10 minutes
  kpm train out/data --out out/pose --inputs pose         without the keys
  kpm train out/data --out out/ridge --model ridge        what networks must beat
  kpm train out/body --out out/mia --model mia-iccv       a body, as Muscles in Action trains it
  kpm train out/data --out out/folds --leave-out exercise --budget-min 120
                                                          one model without each exercise
  kpm train out/hands --out out/gesture --model pianomotion-gesture --init-from out/position
                                                          movement of two hands, made of music
  kpm train out/data --out out/new --transfer auto --init-from out/run/model.safetensors
                                                          ever more of one new person

Stopped by Ctrl-C, by a signal or by a power cut, a training goes on where it was when the same
command is given again. docs/training.md says what is in the run folder.
"""
STOPPED = 130
_DESCRIPTIONS = {
    "model": "which kind of model, such as ridge, pianokpm or touchnet; any other word lists all, "
    "and the quick recipe suits some of them by settings of their own",
    "inputs": "senses it uses, such as pose or pose,keys (default: all of the data set)",
    "streams": "streams it uses, in order (default: all of those senses)",
    "rate_hz": "samples a second of the grid it runs on; 0 for the rate of the true effort",
    "lookahead": "samples of the future it waits for (default: what is usual for the model)",
    "lookahead_s": "the same in seconds",
    "drop_senses": "share of windows in which one sense is missing for a while, so that the "
    "model learns to do without",
    "augment": "how much hands or bodies, cameras and sensors are changed from window to window: "
    "1 for as much as people differ",
    "init_from": "name or path of a model to go on from (default: random weights)",
    "split_file": "which of the data set's split files (default: its usual one)",
    "max_train_minutes": "minutes of the training recordings to use, drawn by the seed",
    "seed": "of weights, order and everything else that is drawn",
    "epochs": "passes over the training windows",
    "steps": "batches in place of epochs; 0 for as many as those hold",
    "window": "samples in a training window",
    "overlap": "samples that neighbouring windows share",
    "batch": "windows in a step, over all devices together",
    "shifted": "cut windows elsewhere in every epoch",
    "pose_timing": "frames pinned to each window's ends, as published, or at their true times, "
    "as in live use; newest: held as the newest that are known, with their age, so that nothing "
    "waits for a frame",
    "whole_windows": "count samples too that depend on what lies beyond a window's ends",
    "teacher_forcing": "show the decoder the true effort before, not its own",
    "learning_rate": "at its highest",
    "schedule": "learning rate halved now and then, or falling along half a cosine",
    "halve_every": "epochs between halvings",
    "warm_up_steps": "steps in which the learning rate rises",
    "weight_decay": "AdamW's",
    "adam_epsilon": "AdamW's",
    "gradient_limit": "longest gradient, in units of the effort's variance; 0 for any",
    "sinkhorn": "weight of the optimal-transport distance; 0 for none",
    "sinkhorn_points": "samples of each window it is taken over; 0 for all",
    "average": "how much a running mean of the weights keeps at each step; 0 for no mean",
    "precision": "auto takes bfloat16 where the chip has it",
    "keep": "weights written at the end: those that did best in a check, or the last ones",
    "time_limit_min": "minutes by which training ends; the cosine is bent to it",
    "time_limit_of": "minutes by the clock, or of this process's own time on the processor: equal "
    "compute, on a machine that does other work too",
    "check_every": "steps between two checks; 0 for an epoch, at most 500 steps",
    "check_minutes": "minutes of validation data in a check, at most",
    "patience": "checks without improvement after which training ends; 0 for never",
    "score_minutes": "minutes of each split that the scores at the end are taken over",
}
_EARLIER = {"augment": ("--disguise",)}
"""What options were called in the commands that the shipped models' cards quote."""
_NUMBERS = {"lookahead": int, "lookahead_s": float}
_CHOICES = {
    "pose_timing": POSE_TIMINGS,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "time_limit_of": TIMES,
    "keep": KEPT,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer every setting of a training, and what it runs on."""
    parser.add_argument("data", type=Path, metavar="DIR", help="folder of the data set")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder")
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default="published",
        help="what options are when they are not given (default: published)",
    )
    group = parser.add_argument_group(
        "settings", "in brackets what the published recipe has, and the quick one if it differs"
    )
    for spec in fields(Settings):
        names = [f"--{spec.name.replace('_', '-')}", *_EARLIER.get(spec.name, ())]
        group.add_argument(*names, **_argument(spec.name, spec.default))
    train_series.add_arguments(parser)
    train_motion.add_arguments(parser)
    engine = parser.add_argument_group("what it runs on")
    engine.add_argument("--accelerator", default="auto", help="auto, cpu, gpu, ... (Lightning's)")
    engine.add_argument("--devices", default="auto", help="how many, or auto")
    engine.add_argument("--num-nodes", type=int, default=1, help="machines")
    engine.add_argument("--strategy", default="auto", help="auto, ddp, ... (Lightning's)")
    engine.add_argument("--workers", type=int, default=0, help="processes that prepare batches")
    engine.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")


def _argument(name: str, default: Any) -> dict[str, Any]:
    """Describe one setting for argparse; what is not given is left to the recipe."""
    shown = _shown(default)
    if name in QUICK and QUICK[name] != default:
        shown += f"; quick: {_shown(QUICK[name])}"
    words = _DESCRIPTIONS[name] + (f" [{shown}]" if shown else "")
    about: dict[str, Any] = {"help": words.replace("%", "%%"), "default": None, "dest": name}
    if isinstance(default, bool):
        return {**about, "action": argparse.BooleanOptionalAction}
    if name in _CHOICES:
        return {**about, "choices": _CHOICES[name]}
    kind: Any = type(default) if default is not None else _NUMBERS[name]
    if kind is tuple:
        kind = _names
    return {**about, "type": kind, "metavar": name.rsplit("_", 1)[-1].upper()}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)


def _names(words: str) -> tuple[str, ...]:
    """Split words at commas, each kept once."""
    return tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))


def run(arguments: argparse.Namespace) -> int:
    """Train, and show how good it has become."""
    known = {spec.name for spec in fields(Settings)}
    given = {
        name: value
        for name, value in vars(arguments).items()
        if name in known and value is not None
    }
    with user_errors():
        settings = make_settings(arguments.recipe, **given)
    with needed_libraries("training", "train"):
        from kpm_ros.learn.training.display import TrainingDisplay
        from kpm_ros.learn.training.engine import Engine, is_first_process
        from kpm_ros.learn.training.outcome import describe
        from kpm_ros.learn.training.training_run import Training, TrainingStopped
        from kpm_ros.operate.console import Console
    out = arguments.out.expanduser()
    command = shlex.join(["kpm", *sys.argv[1:]])
    with user_errors():
        engine = Engine(
            accelerator=arguments.accelerator,
            devices=arguments.devices,
            num_nodes=arguments.num_nodes,
            strategy=arguments.strategy,
            workers=arguments.workers,
            threads=arguments.threads,
        )
    from kpm_ros.models.pianomotion.recipes import MODELS

    if settings.model in MODELS:
        try:
            with user_errors():
                train_motion.run(arguments, settings, engine, command)
        except TrainingStopped:
            return _stopped(command)
        return 0
    with user_errors():
        members = train_series.plan(arguments, settings)
        trainings = [
            Training(
                data=arguments.data.expanduser(),
                out=one.out,
                settings=one.settings,
                recipe=arguments.recipe,
                engine=engine,
                command=command,
                splits=one.splits,
            )
            for one in members
        ]
        if not is_first_process():
            for training in trainings:
                training.run()
            return 0
        try:
            with hold(f"training {out.resolve()}"):
                for one, training in zip(members, trainings, strict=True):
                    if one.title:
                        print(one.title, flush=True)
                    with TrainingDisplay(Console()) as display:
                        scores = training.run((display,))
                    print(f"written to {one.out}:")
                    for line in describe(scores):
                        print(f"  {line}")
                    if training.left_out_sentence:
                        print(training.left_out_sentence)
        except TrainingStopped:
            return _stopped(command)
    return 0


def _stopped(command: str) -> int:
    """Say how to go on."""
    message = f"kpm train: stopped; to go on, give the same command again:\n  {command}"
    print(message, file=sys.stderr)
    return STOPPED
