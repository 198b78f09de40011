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

"""`kpm train --model pianomotion-...`: models that make the movement of two hands of music."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kpm_ros.learn.training.engine import Engine
    from kpm_ros.learn.training.training_settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer what these models have beyond the settings of every training."""
    from kpm_ros.models.pianomotion.motion_card import SEQUENCES, SIZES
    from kpm_ros.models.pianomotion.recipes import FROZEN, LOSSES, MODELS

    group = parser.add_argument_group(
        f"--model {'|'.join(MODELS)}",
        "of a folder of movements with their music: `kpm annotate` and `kpm simulate` write such. "
        "A gesture model takes the run folder of a position model as --init-from (docs/motion.md)",
    )
    group.add_argument("--size", choices=SIZES, help="base and large as published [small]")
    group.add_argument(
        "--sequence", choices=SEQUENCES, help="what carries frames along in time [transformer]"
    )
    group.add_argument(
        "--sound",
        metavar="FOLDER",
        help="a wav2vec 2.0 or HuBERT model of yours, as `save_pretrained` writes it; without, "
        "notes are what music is told by",
    )
    group.add_argument(
        "--frozen",
        choices=FROZEN,
        help="of that: its convolutions, as coded, or all of it, as the paper writes [conv]",
    )
    group.add_argument("--loss", choices=LOSSES, help="of positions [as-coded]")
    group.add_argument(
        "--masked-alone",
        action="store_true",
        default=None,
        help="see a window that comes alone through a mask that training never has, as coded",
    )


def run(arguments: argparse.Namespace, settings: Settings, engine: Engine, command: str) -> None:
    """Train, and say how good it has become; errors are the rooms' own."""
    from kpm_ros.core.lock import hold
    from kpm_ros.learn.motion_training.motion_training import MotionOptions, MotionTraining
    from kpm_ros.learn.training.display import TrainingDisplay
    from kpm_ros.learn.training.engine import is_first_process
    from kpm_ros.operate.console import Console

    given = {spec.name: getattr(arguments, spec.name) for spec in fields(MotionOptions)}
    out = arguments.out.expanduser()
    training = MotionTraining(
        data=arguments.data.expanduser(),
        out=out,
        settings=settings,
        options=MotionOptions(**{name: each for name, each in given.items() if each is not None}),
        recipe=arguments.recipe,
        engine=engine,
        command=command,
    )
    if not is_first_process():
        training.run()
        return
    with hold(f"training {out.resolve()}"), TrainingDisplay(Console()) as display:
        errors = training.run((display,))
    print(f"written to {out}:")
    for name, error in errors.items():
        print(f"  {name} {error:.4f}")
