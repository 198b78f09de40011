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

"""`kpm import`: a published checkpoint into a weights file that the pipeline runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kpm_ros.operate.errors import UserError, needed_libraries, user_errors

NAME = "import"
PURPOSE = "turn a published checkpoint (.pth) into a weights file (.safetensors)"
EXAMPLES = """\
examples:
  kpm import epoch_200.pth pianokpm.safetensors --trained-on "PianoKPM, architectural split"
  kpm up model:=pianokpm.safetensors
  kpm import epoch_200.pth pianokpm.safetensors --cameras their_room.yaml
  kpm import model_100.pth mia.safetensors

PianoKPM Net, and the networks of Muscles in Action in both directions. Nothing in the checkpoint is
run: it may hold tensors and plain values, and nothing else.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for both files, and for what a checkpoint does not say of itself."""
    parser.add_argument("checkpoint", type=Path, help="the published file, .pth")
    parser.add_argument("out", type=Path, help="the weights file to write, .safetensors")
    parser.add_argument("--name", help="name of the model (default: that of the file written)")
    parser.add_argument("--views", help="its camera views in order, such as top,right")
    parser.add_argument(
        "--cameras",
        type=Path,
        metavar="FILE",
        help="where the cameras of its training stood, each under its view's name: a file as `kpm "
        "calibrate room` writes it; the model then runs in other rooms, too",
    )
    parser.add_argument("--muscles", help="its muscles in order, separated by commas")
    parser.add_argument("--trained-on", help="the data it was trained on")
    parser.add_argument("--licence", help="the licence of the weights")


def run(arguments: argparse.Namespace) -> int:
    """Convert, and show the card of what was written."""
    target = arguments.out.expanduser()
    if target.suffix != ".safetensors":
        raise UserError(f"{target} is to be a weights file, so its name must end in .safetensors")
    if target.exists():
        raise UserError(f"{target} exists already: remove it first, or give another name")
    with needed_libraries("importing a checkpoint", "train"):
        from kpm_ros.models.imported import convert_checkpoint
    from kpm_ros.core.registration import Registration
    from kpm_ros.models.training_cameras import with_cameras
    from kpm_ros.models.weight_files import save_card
    from kpm_ros.operate.model_info import describe

    with user_errors():
        room = arguments.cameras and Registration.read(arguments.cameras.expanduser())
        card = convert_checkpoint(
            arguments.checkpoint.expanduser(), target, **_given(arguments, target)
        )
        if room is not None:
            try:
                card = with_cameras(card, room.places)
                save_card(target, card)
            except ValueError:
                target.unlink()
                raise
        print(describe(card, target), end="")
    return 0


def _given(arguments: argparse.Namespace, target: Path) -> dict[str, Any]:
    """Collect the fields of the card that the user has stated."""
    given: dict[str, Any] = {"name": arguments.name or target.stem}
    for field in ("trained_on", "licence"):
        if getattr(arguments, field):
            given[field] = getattr(arguments, field)
    for field in ("views", "muscles"):
        if getattr(arguments, field):
            given[field] = tuple(name.strip() for name in getattr(arguments, field).split(","))
    return given
