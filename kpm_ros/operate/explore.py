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

"""`kpm explore`: change muscles and see the movement; exchange them; find clips that are alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kpm_ros.operate import picture
from kpm_ros.operate.errors import needed_libraries, user_errors

NAME = "explore"
PURPOSE = "change or exchange muscles and see the movement; find clips that are alike"
EXAMPLES = """\
examples:
  kpm explore scale DIR --excerpt p1_curl_1:3-6 --muscles LBicep RBicep --times 3 \\
      --to-pose runs/to_pose --out more.png           the curl of stronger biceps
  kpm explore scale DIR --excerpt p1_squat_1:3-6 --muscles LQuad --times 0.1 \\
      --to-muscles runs/body --to-pose runs/to_pose --out less.mp4
                                                      estimated effort rather than measured one
  kpm explore transplant DIR --excerpt p1_squat_1:3-6 --from p1_kick_1:0-3 --muscles LQuad LHam \\
      --to-pose runs/to_pose --out kick_in_squat.mp4
  kpm explore alike DIR --out alike.png               look alike, and work other muscles
  kpm explore alike DIR --by muscles --pairs 3 --out muscles.mp4
                                                      the reverse
  kpm explore alike DIR --matrix likeness.png --out alike.png

`kpm explore WHAT --help` says more. A model that --to-pose names makes a pose of muscles.
"""
MOST_WINDOWS = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask what is to be explored."""
    what = parser.add_subparsers(metavar="WHAT", dest="what", required=True)
    scale = _subparser(what, "scale", "make muscles work more or less, and see the movement")
    _add_edit(scale)
    scale.add_argument(
        "--times",
        type=float,
        required=True,
        metavar="F",
        help="what their effort is multiplied by, such as 3, or 0.1",
    )
    transplant = _subparser(what, "transplant", "let muscles do what they do in another clip")
    _add_edit(transplant)
    transplant.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="NAME[:START-END]",
        help="the clip whose muscles are taken, in the data set's unit; a shorter one is held",
    )
    alike = _subparser(what, "alike", "find clips that look alike and work other muscles")
    alike.add_argument(
        "--by",
        choices=("pose", "muscles"),
        default="pose",
        help="in what they are alike; in the other they differ (default: %(default)s)",
    )
    alike.add_argument(
        "--clip",
        default="",
        metavar="NAME:START-END",
        help="the partners of this window (default: of any)",
    )
    alike.add_argument(
        "--split",
        nargs="+",
        default=[],
        metavar="NAME",
        help="of these lists of the data set (default: all recordings)",
    )
    alike.add_argument(
        "--windows",
        type=int,
        default=MOST_WINDOWS,
        metavar="N",
        help="windows of 3 s that are compared, evenly drawn (default: %(default)s)",
    )
    alike.add_argument("--pairs", type=int, default=1, metavar="N", help="how many (default: 1)")
    alike.add_argument(
        "--matrix",
        type=Path,
        metavar="FILE",
        help="also draw how far exercises are apart in pose and in muscles (.png, .svg, .pdf)",
    )
    picture.add_output(alike, scale=False)


def _subparser(what: Any, name: str, purpose: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = what.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.", allow_abbrev=False
    )
    made.add_argument("data", type=Path, metavar="DIR", help="a data set's folder")
    return made


def _add_edit(parser: argparse.ArgumentParser) -> None:
    """Ask what both ways of changing effort need."""
    parser.add_argument(
        "--excerpt",
        default="",
        metavar="NAME[:START-END]",
        help="the clip that is changed (default: 6 s of the first recording)",
    )
    parser.add_argument(
        "--muscles", nargs="+", required=True, metavar="NAME", help="those that are changed"
    )
    parser.add_argument(
        "--to-pose", required=True, metavar="MODEL", help="makes the movement of the muscles"
    )
    parser.add_argument(
        "--to-muscles",
        metavar="MODEL",
        help="makes the effort of the movement (default: the measured effort is taken)",
    )
    picture.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explore, say what was found, and draw it."""
    out = picture.check_output(arguments)
    with needed_libraries("drawing bodies", "train,devices"), user_errors():
        from kpm_ros.operate import explore_clips

        if arguments.what == "alike":
            explore_clips.draw_alike(arguments, out)
        else:
            explore_clips.draw_edit(arguments, out)
    return 0
