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

"""`kpm adapt`: a model of many people to one of a person, by what that person has recorded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.models.trained import Trained

NAME = "adapt"
PURPOSE = "adapt a model to one person, by seconds to minutes of that person's own EMG"
EXAMPLES = """\
examples:
  kpm adapt MODEL sets/mine --person P07 --out p07.safetensors
  kpm adapt MODEL sets/mine --person P07 --seconds 100 --out p07.safetensors
                                          with the first 100 s only
  kpm adapt MODEL --session sessions/P07 --out p07.safetensors
                                          with rest and maximum contractions alone
  kpm adapt MODEL --person P07 --rest FDI=0.02,ADM=0.03 --mvc FDI=0.8,ADM=1.1 --out p07.safetensors

Tried are, in this order: gain and offset of each muscle, the last layer held to what people have
in common, the last layer held to nothing, and of a minute or more the whole of a network, which
takes minutes. What does best on takes that are left out in turn is done. Other takes of the
person, of which nothing is learnt, show what that gained: those that the data set keeps for tests,
or every third. A model that became worse is not written. The result is used as any model:
`kpm up model:=p07.safetensors`.
"""
WORSE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the model, the person and what there is of that person."""
    parser.add_argument("model", metavar="MODEL", help="a shipped model's name or a weights file")
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", help="a data set's folder")
    parser.add_argument("--person", default="", metavar="CODE", help="whose takes are meant")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the new model")
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="use so much of the person (default: all)"
    )
    parser.add_argument("--split-file", default="", metavar="FILE", help="of the data set")
    parser.add_argument(
        "--session",
        type=Path,
        metavar="DIR",
        help="a session of `kpm session`, whose rest and maximum contractions alone are used",
    )
    for name, what in (("rest", "at rest"), ("mvc", "at the maximum contraction")):
        parser.add_argument(
            f"--{name}",
            type=_levels,
            default={},
            metavar="MUSCLE=LEVEL,...",
            help=f"effort {what}, in the model's unit",
        )
    parser.add_argument(
        "--curve",
        type=Path,
        metavar="FILE",
        help="picture of the learning curve (default: FILE.png)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the learning curve there")


def _levels(words: str) -> dict[str, float]:
    try:
        return {
            name.strip(): float(level)
            for name, level in (word.split("=") for word in words.split(","))
        }
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{words!r} is no list of levels such as FDI=0.8,ADM=1.1"
        ) from None


def run(arguments: argparse.Namespace) -> int:
    """Adapt, show what it gained, and write it if it gained anything."""
    levels = bool(arguments.session or arguments.rest or arguments.mvc)
    if levels == bool(arguments.data):
        raise UserError(
            "a model is adapted either to a data set's takes or to levels of rest and maximum "
            "(--session, or --rest and --mvc): give one of them"
        )
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise UserError(f"--seconds must be above 0, not {arguments.seconds:g}")
    if not arguments.person and not arguments.session:
        raise UserError("--person CODE must say whose model it is to be")
    with user_errors():
        return _to_levels(arguments) if levels else _to_takes(arguments)


def _to_takes(arguments: argparse.Namespace) -> int:
    from kpm_ros.learn.adaptation.gained import SECONDS, gain_curve
    from kpm_ros.learn.adaptation.provenance import adapted_card, refuse_met
    from kpm_ros.learn.adaptation.takes import shortened, takes_of
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.scores.protocols import check_fit
    from kpm_ros.models.weight_files import save_model
    from kpm_ros.operate.evaluate_output import progress

    base, sha256 = _load(arguments.model)
    dataset = open_dataset(arguments.data.expanduser(), arguments.split_file)
    check_fit(base.card, dataset, base.card.name)
    takes = takes_of(dataset, base.card, arguments.person)
    refuse_met(base.card, dataset, takes.held_out)
    most_s = arguments.seconds or float("inf")
    with progress(len(SECONDS) + 1, "adapting") as listener:
        gained = gain_curve(base, takes, most_s, listener)
    if dataset.simulated:
        print("SIMULATED people and muscles: it says nothing about people")
    print(gained.table())
    curve = arguments.curve or arguments.out.with_suffix(".png")
    kind = "SIMULATED: " if dataset.simulated else ""
    gained.draw(curve, f"{kind}{base.card.name} adapted to {arguments.person}")
    print(f"picture in {curve}")
    if arguments.json:
        _write_json(arguments.json, gained.as_plain())
    if not gained.after.rmse < gained.before.rmse:
        print(
            f"kpm adapt: nothing was written, because the RMSE on takes held out is "
            f"{gained.after.rmse:.4f} now and was {gained.before.rmse:.4f}: use {arguments.model} "
            f"as it is, or record more of {arguments.person}"
        )
        return WORSE
    own = shortened(takes.own, most_s)
    card = adapted_card(base.card, sha256, dataset, own, gained)
    save_model(arguments.out, card, gained.adapted.model.tensors, exact=True)
    print(f"written to {arguments.out}")
    return 0


def _to_levels(arguments: argparse.Namespace) -> int:
    from kpm_ros.core.session_file import Session
    from kpm_ros.learn.adaptation.provenance import levelled_card
    from kpm_ros.models.levels import in_maxima, with_levels
    from kpm_ros.models.weight_files import save_model

    base, sha256 = _load(arguments.model)
    person, rest, strongest = arguments.person, arguments.rest, arguments.mvc
    if arguments.session:
        session = Session.read(arguments.session.expanduser())
        person = person or session.person
        rest, strongest = session.resting, session.maxima
        if in_maxima(base.card.unit):
            rest = {name: rest[name] / most for name, most in strongest.items() if name in rest}
            strongest = dict.fromkeys(strongest, 1.0)
    told = [name for name in base.card.muscles if name in rest and name in strongest]
    if not told:
        raise UserError(
            f"rest and maximum are known of none of {', '.join(base.card.muscles)}: both are needed"
        )
    own = {name: (rest[name], strongest[name]) for name in told}
    card, tensors = with_levels(base.card, base.tensors, own)
    save_model(arguments.out, levelled_card(base.card, sha256, card, person), tensors, exact=True)
    left = [name for name in base.card.muscles if name not in told]
    if left:
        print(f"left as they are, because rest or maximum is not known: {', '.join(left)}")
    print(f"written to {arguments.out}; how good it is was not looked at")
    return 0


def _load(name: str) -> tuple[Trained, str]:
    """Load a model, and tell its file's digest."""
    from kpm_ros.core.foreign_files import MODEL_BYTES, digest
    from kpm_ros.core.resources import find_model
    from kpm_ros.models.trained import load

    return load(name), digest(find_model(name), MODEL_BYTES)


def _write_json(path: Path, content: object) -> None:
    from kpm_ros.core.atomic_files import write_output

    write_output(path, (json.dumps(content, indent=1) + "\n").encode())
    print(f"written to {path}")
