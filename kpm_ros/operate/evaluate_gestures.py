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

"""`kpm evaluate --report gestures`: how well gestures are told apart, and how soon."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.act.gestures.gesture_model import GestureModel
    from kpm_ros.learn.gestures.executions import ExecutionSet
    from kpm_ros.learn.gestures.gesture_report import GestureReport, Tested

NAME = "gestures"
PROTOCOLS = ("windows",)
USUAL_MODELS = ("lda", "hudgins")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer what this report asks for."""
    group = parser.add_argument_group(
        "--report gestures",
        "sessions of `kpm record-gestures`, or folders of arrays; --models are files that `kpm "
        "train-gestures` wrote, and are tested on all of them, or lda and hudgins (the default), "
        "which are trained on a part in turn: by repetition, day, posture and person",
    )
    group.add_argument(
        "--motions", type=int, default=0, metavar="N", help="of arrays: only motions 1 to N"
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse at once what would be found out only after a while."""
    if arguments.motions < 0:
        raise UserError(f"--motions must be at least 1, not {arguments.motions}")


def refuse_without(arguments: argparse.Namespace) -> None:
    """Refuse this report's options beside another report."""
    if arguments.motions:
        raise UserError(f"--motions is an option of --report {NAME}: give that, too")


def show_report(arguments: argparse.Namespace) -> None:
    """Test, print and write what was asked for."""
    from kpm_ros.learn.gestures import gesture_report
    from kpm_ros.operate.evaluate_output import show

    show(arguments, evaluate(arguments), gesture_report)


def evaluate(arguments: argparse.Namespace) -> GestureReport:
    """Test every model in every way that the recordings allow."""
    from kpm_ros.act.gestures.gesture_model import GestureModel
    from kpm_ros.learn.gestures.gesture_protocols import PROTOCOLS
    from kpm_ros.learn.gestures.gesture_report import TRAINERS, Tested, hear_protocol, report_of
    from kpm_ros.learn.gestures.gesture_scores import hear
    from kpm_ros.operate.evaluate_output import progress
    from kpm_ros.operate.gesture_sessions import read_executions
    from kpm_ros.operate.train_gestures import require_learning

    words = list(arguments.models or USUAL_MODELS)
    files = {
        word: GestureModel.load(Path(word).expanduser()) for word in words if word not in TRAINERS
    }
    signals = {each.signal for model in files.values() for each in model.card.inputs}
    fresh = [word for word in words if word in TRAINERS]
    recorded = read_executions(
        [str(path) for path in arguments.data],
        sorted(signals | ({"emg"} if fresh else set())),
        arguments.motions,
    )
    found: dict[str, list[Tested]] = {}
    for word, model in files.items():
        _require_fit(word, model, recorded)
        found[word] = [Tested(model, hear(model, recorded))]
    if fresh:
        require_learning()
        splits = {name: len(list(way(recorded))) for name, way in PROTOCOLS.items()}
        with progress(len(fresh) * sum(splits.values())) as listener:
            for name in (name for name, count in splits.items() if count):
                for word in fresh:
                    found[f"{word} {name}"] = hear_protocol(
                        TRAINERS[word], recorded, name, listener
                    )
    return report_of(recorded, found)


def _require_fit(word: str, model: GestureModel, recorded: ExecutionSet) -> None:
    """Refuse recordings that a model cannot be given."""
    from kpm_ros.wire.gesture_signals import RATE_TOLERANCE

    for each in model.card.inputs:
        channels = recorded.channels[each.signal]
        if channels != each.channels:
            raise UserError(
                f"{word} takes the channels {', '.join(each.channels)} of {each.signal}, but the "
                f"recordings have {', '.join(channels)}"
            )
        rate_hz = recorded.rates[each.signal]
        if abs(rate_hz / each.rate_hz - 1) > RATE_TOLERANCE:
            raise UserError(
                f"{word} was trained at {each.rate_hz:g} Hz of {each.signal}, but the recordings "
                f"have {rate_hz:g} Hz"
            )
    unknown = [name for name in recorded.gestures if name not in model.card.gestures]
    if unknown:
        raise UserError(
            f"{word} knows the gestures {', '.join(model.card.gestures)}, but not {unknown[0]!r}"
        )
