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

"""`kpm replay`: a recording's effort once more, without ROS and as fast as it goes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.foreign_files import printable_lines
from kpm_ros.core.settings import check_number
from kpm_ros.core.sides import HANDS
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    from kpm_ros.operate.replay_choices import Choices

NAME = "replay"
PURPOSE = "run a recording through the pipeline again, without ROS, as fast as it goes"
EXAMPLES = """\
examples:
  kpm replay out/demo/bag --compare            is it the effort that the live run gave?
  kpm replay my_bag --out effort.npz           effort as arrays for NumPy
  kpm replay my_bag --model mine.safetensors --out my_bag_again
  kpm replay my_bag --from aligned --compare   the network alone, on the recorded grid
  kpm replay my_bag --device cuda --out effort.npz

Topics are found by their types; see docs/replay.md.
exit status: 0 done, and the same where compared; 1 not the same; 2 it could not be run
"""

TOLERANCE = {"inputs": 1e-5, "aligned": 1e-6}
"""Greatest difference from the live effort, for each place to begin at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the replay's options."""
    parser.add_argument("bag", type=Path, metavar="BAG", help="a bag's folder or one of its files")
    parser.add_argument(
        "--model",
        default="",
        help="a shipped model's name or a .safetensors path (default: the live run's, if it is "
        f"told and there, else {PipelineOptions().model})",
    )
    parser.add_argument(
        "--hand",
        choices=HANDS,
        default="",
        help="of a model of a hand: whose effort (default: as in the live run, else right)",
    )
    parser.add_argument(
        "--registration",
        default="",
        metavar="FILE",
        help="where the cameras stood, as `kpm calibrate` wrote it (default: as in the live run)",
    )
    parser.add_argument(
        "--params-file",
        "--params_file",
        default="",
        metavar="FILE",
        help="parameters of the nodes, as given to the live run (default: the package's)",
    )
    parser.add_argument(
        "--namespace", default="", help="namespace of the topics, where the bag has several"
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="NAME",
        help="use only the topics named so, where the bag has several of a type; repeatable",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        choices=tuple(TOLERANCE),
        default="inputs",
        help="begin at the senses, or at the grid samples that the live run had aligned",
    )
    parser.add_argument(
        "--device",
        default="",
        metavar="cpu|cuda",
        help="evaluate the whole recording at once there, with torch (default: stream it, as live)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.npz|BAG", help="where the effort goes (default: nowhere)"
    )
    parser.add_argument(
        "--compare", action="store_true", help="compare with the effort recorded in the bag"
    )
    parser.add_argument(
        "--tolerance", type=float, help="with --compare: greatest difference that is the same"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, replay, write, compare."""
    from kpm_ros.operate.replay_run import ReplayRun

    with replay_errors():
        replay = ReplayRun(_choices(arguments))
        try:
            if arguments.compare:
                replay.check_comparable()
            summary = replay.run()
            comparison = replay.compare() if arguments.compare else None
            # Nothing can be refused any more: what was there before may be replaced.
            replay.save()
        finally:
            replay.close()
    print(printable_lines(summary), end="")
    if comparison is None:
        return 0
    print(comparison.text, end="")
    if not comparison.agrees:
        print(f"kpm replay: {comparison.verdict}", file=sys.stderr)
    return 0 if comparison.agrees else 1


def _choices(arguments: argparse.Namespace) -> Choices:
    from kpm_ros.operate.replay_choices import Choices

    tolerance = arguments.tolerance
    if tolerance is not None:
        with user_errors():
            check_number("tolerance", tolerance, least=0)
    return Choices(
        bag=arguments.bag.expanduser(),
        model=arguments.model,
        hand=arguments.hand,
        registration=arguments.registration,
        params_file=arguments.params_file,
        namespace=arguments.namespace.strip("/"),
        topics=tuple(arguments.topic),
        from_aligned=arguments.begin == "aligned",
        out=arguments.out.expanduser() if arguments.out else None,
        device=arguments.device,
        tolerance=TOLERANCE[arguments.begin] if tolerance is None else tolerance,
    )


@contextmanager
def replay_errors() -> Iterator[None]:
    """Turn what bags and models are refused for into one sentence."""
    from kpm_ros.replay.bag import BagError

    try:
        with user_errors():
            yield
    except BagError as error:
        raise UserError(str(error)) from None
