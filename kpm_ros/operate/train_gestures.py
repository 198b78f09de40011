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

"""`kpm train-gestures`: recorded gestures into a model that the gesture node runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, needed_libraries, user_errors

if TYPE_CHECKING:
    from kpm_ros.act.gestures.gesture_model import GestureModel
    from kpm_ros.learn.gestures.executions import ExecutionSet
    from kpm_ros.learn.gestures.training import TrainingSettings

NAME = "train-gestures"
PURPOSE = "train a model of gestures on recordings of `kpm record-gestures`"
SIGNALS = ("emg", "effort", "landmarks")
EXAMPLES = """\
examples:
  kpm train-gestures out/G07 --out g07.safetensors
  kpm train-gestures out/G07 out/G07-today --out g07.safetensors
                                        with some of today's, which count as much as the other day
  kpm train-gestures out/G07 out/G07-today --turned --out g07.safetensors
                                        the armband may sit turned by some electrodes today
  kpm train-gestures out/G07@sitting out/G08@standing --signals emg,landmarks --out g07.safetensors
  kpm up gesture_model:=g07.safetensors

How sure a model is, and what it rejects, is set by executions that are held out in turn. See
docs/gestures.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for recordings and where the model goes."""
    parser.add_argument(
        "data",
        nargs="+",
        metavar="DIR[@POSTURE]",
        help="sessions, or folders of arrays (docs/gestures.md); behind @ in which posture",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the model")
    parser.add_argument(
        "--turned",
        action="store_true",
        help="an armband sat turned in some recordings: find by how many electrodes, and turn all "
        "to where it sits in the last",
    )
    parser.add_argument(
        "--signals",
        default="emg",
        metavar="emg,...",
        help=f"what it goes by, of {', '.join(SIGNALS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--features",
        nargs="+",
        default=[],
        metavar="SIGNAL=SET,...",
        help="what is measured of a signal, such as emg=hudgins,covariance; any other word lists "
        "all (default: td_psd and covariance of EMG, mean and change of others)",
    )
    parser.add_argument(
        "--classifier",
        choices=("lda", "svm"),
        default="lda",
        help="linear discriminant analysis, or a support vector machine (default: %(default)s)",
    )
    parser.add_argument(
        "--reject-rate",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="share of each gesture's own windows to give up (default: %(default)s)",
    )
    parser.add_argument(
        "--window-s", type=float, default=0.2, metavar="S", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--motions", type=int, default=0, metavar="N", help="of arrays: only motions 1 to N"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, train, write, and say what is in it."""
    with user_errors():
        from kpm_ros.learn.gestures.training import folds_of, train
        from kpm_ros.operate.evaluate_output import progress
        from kpm_ros.operate.gesture_sessions import read_each, together

        settings = _settings(arguments)
        parts = read_each(arguments.data, list(settings.features), arguments.motions)
        recorded = together(_turned(parts) if arguments.turned else parts)
        require_learning()
        with progress(int(folds_of(recorded).max()) + 1, "training") as listener:
            model = train(recorded, settings, listener)
        model.save(arguments.out)
    print(_said(model, recorded))
    print(f"written to {arguments.out}")
    return 0


def require_learning() -> None:
    """Say how to get what trains, where it is not there."""
    with needed_libraries("training gestures", "gestures"):
        import sklearn  # noqa: F401


def signals_of(words: str) -> list[str]:
    """Read a list of signals; what is none is refused."""
    from kpm_ros.core.settings import check_choice

    listed = [word.strip() for word in words.split(",") if word.strip()]
    if not listed:
        raise UserError(f"--signals is empty, but must be of {', '.join(SIGNALS)}")
    return list(dict.fromkeys(check_choice("--signals", each, SIGNALS) for each in listed))


def _turned(parts: Sequence[ExecutionSet]) -> list[ExecutionSet]:
    """Turn recordings of an armband to the last of them, and say by how much."""
    from kpm_ros.learn.gestures.armband_turn import turned_to_the_last

    found = turned_to_the_last(parts)
    for part, turn in found[:-1]:
        print(
            f"{part.origin}: channels moved on by {turn:+d} electrodes, to where the last has them"
        )
    return [part for part, _ in found]


def _settings(arguments: argparse.Namespace) -> TrainingSettings:
    from kpm_ros.act.gestures.features import FEATURES
    from kpm_ros.learn.gestures.training import USUAL_FEATURES, TrainingSettings

    features = {signal: USUAL_FEATURES[signal] for signal in signals_of(arguments.signals)}
    for words in arguments.features:
        signal, _, sets = words.partition("=")
        named = tuple(sets.split(","))
        if signal not in features or not set(named) <= set(FEATURES):
            raise UserError(
                f"--features has {words!r}, but must be one of --signals ({', '.join(features)}), "
                f"=, and some of {', '.join(FEATURES)}"
            )
        features[signal] = named
    return TrainingSettings(
        features=features,
        classifier=arguments.classifier,
        reject_rate=arguments.reject_rate,
        window_s=arguments.window_s,
    )


def _said(model: GestureModel, recorded: ExecutionSet) -> str:
    card = model.card
    whose = "SIMULATED people" if card.simulated else "people"
    inputs = "; ".join(
        f"{each.signal} at {each.rate_hz:g} Hz ({', '.join(each.features)})" for each in card.inputs
    )
    return (
        f"{', '.join(card.gestures)}: {card.executions} executions of {len(recorded.people)} "
        f"{whose}, by {inputs}"
    )
