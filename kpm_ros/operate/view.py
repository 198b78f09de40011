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

"""`kpm view`: a bag, or what runs now, to look at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.view.bag_view import BagView

NAME = "view"
PURPOSE = "look at a recorded bag: cameras, hands in 3D, keys, muscles, delays, messages"
EXAMPLES = """\
examples:
  kpm view out/demo/bag                          in Rerun, with a time line
  kpm view out/demo/bag --save out/demo/demo.rrd     a file that `rerun` opens, here or elsewhere

Without a screen, a page for a browser on this machine is offered. Live, `view:=true` of `kpm up`,
`kpm demo` and the launch file shows the same.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask what to show, and where."""
    parser.add_argument("bag", type=Path, metavar="BAG", help="a bag's folder or one of its files")
    parser.add_argument(
        "--save", type=Path, metavar="FILE.rrd", help="write a file instead of opening the viewer"
    )
    parser.add_argument(
        "--registration",
        type=Path,
        metavar="FILE",
        help="where cameras stood (`kpm calibrate` wrote it), for bags that do not say: hands are "
        "then shown in 3D",
    )
    parser.add_argument("--namespace", default="", help="of the bag's topics (default: any)")


def run(arguments: argparse.Namespace) -> int:
    """Draw the bag into a file, or into the viewer."""
    from kpm_ros.core.registration import Registration
    from kpm_ros.operate.replay import replay_errors
    from kpm_ros.view.bag_view import BagView
    from kpm_ros.view.viewer import ViewerError, open_recording

    if arguments.save and arguments.save.suffix != ".rrd":
        raise UserError(f"--save is {arguments.save}, but its name must end with .rrd")
    with user_errors():
        told = arguments.registration
        registration = Registration.read(told) if told else None
    with replay_errors(), BagView(arguments.bag, arguments.namespace, registration) as bag:
        for what in bag.missing():
            print(f"not shown: {what}, which the bag does not hold")
        recording = open_recording(arguments.bag.name)
        try:
            _draw(bag, recording, arguments.save)
        except ViewerError as error:
            raise UserError(str(error)) from None
    return 0


def _draw(bag: BagView, recording: Any, save: Path | None) -> None:
    """Draw with a progress bar; a file is there when it is whole."""
    from kpm_ros.view.viewer import Viewer

    if save is None:
        viewer = Viewer()
        try:
            recording.connect_grpc(viewer.url)
            _with_progress(bag, recording)
            recording.flush()
            print(f"{viewer.words}; Ctrl-C ends it")
            viewer.wait()
        finally:
            viewer.close()
        return
    part = save.with_name(f".{save.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        recording.save(part)
        _with_progress(bag, recording)
        recording.disconnect()
        part.replace(save)
    finally:
        part.unlink(missing_ok=True)
    print(f"written to {save}: `rerun {save}` opens it")


def _with_progress(bag: BagView, recording: Any) -> None:
    from kpm_ros.operate.evaluate_output import progress
    from kpm_ros.view.bag_view import PARTS

    with progress(PARTS, "drawing") as tell:
        shown = bag.draw(recording, lambda: tell(""))
    if shown.refused:
        print(f"{shown.refused} messages could not be drawn")
