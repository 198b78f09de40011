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

"""`kpm foresee`: what a piece will ask of the muscles of two hands, before anybody plays it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.core.hand_motion import HandMotion
    from kpm_ros.learn.foresight.report import Foreseen

NAME = "foresee"
PURPOSE = "tell what a piece will ask of the muscles of two hands, before anybody plays it"
EXAMPLES = """\
examples:
  kpm foresee piece.mid                           the page is out/foresee/foresee.html
  kpm foresee piece.mid --from 30 --until 60 --out out/middle
  kpm foresee piece.mid --threshold 0.3 --passages 5 --no-alternatives

Both hands are generated from the score. Then every muscle's effort follows twice: of all muscles of
the anatomical hand, by static optimisation, with the keys pushing back; and of the muscles that a
model estimates (--model), which is given what two cameras and the piano would tell it, the left
hand by its mirror image, as live. Bars are counted by the tempo and the time signatures of the
file.

Written to the folder: foresee.html (hardest passages in sentences, other fingerings and a slower
tempo with what they change, pictures), bars.csv (mean, peak and seconds above the threshold of each
muscle in each bar), effort.csv (effort 50 times a second, with bar and beat) and motion.npz, which
`kpm play motion.npz --midi piece.mid` plays.

SIMULATED: no muscle was measured. Read efforts relative to each other.

exit status: 0 written, 2 the file cannot be used
"""
LONGEST_S = 1200.0
"""What is foreseen at once; it takes a gigabyte of memory."""
SLOWER = 0.8
"""The tempo that is offered."""
FILES = ("foresee.html", "bars.csv", "effort.csv", "motion.npz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the piece, and for what is to be told of it."""
    from kpm_ros.motion.foresight import THRESHOLD

    parser.add_argument("midi", type=Path, metavar="MIDI", help="a Standard MIDI File")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/foresee"),
        metavar="DIR",
        help="folder for what is written (default: %(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="from_s",
        type=float,
        default=0.0,
        metavar="S",
        help="second of the file to begin at (default: 0)",
    )
    parser.add_argument(
        "--until", dest="until_s", type=float, metavar="S", help="second to end at (default: all)"
    )
    parser.add_argument(
        "--model",
        default="",
        metavar="MODEL",
        help="the estimator: a shipped model's name or a .safetensors file (default: the usual)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=THRESHOLD,
        metavar="EFFORT",
        help="effort above which a muscle works hard, 0 to 1 (default: %(default)g)",
    )
    parser.add_argument(
        "--passages",
        type=int,
        default=3,
        metavar="N",
        help="how many of the hardest passages are told (default: %(default)s)",
    )
    parser.add_argument(
        "--tempo",
        type=float,
        default=100 * SLOWER,
        metavar="PERCENT",
        help="the other tempo that is offered (default: %(default)g)",
    )
    parser.add_argument(
        "--no-alternatives",
        dest="alternatives",
        action="store_false",
        help="do not look for other fingerings and tempi",
    )
    parser.add_argument("--seed", type=int, default=1, help="whose hands play (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Foresee, write, and say what is hardest."""
    from kpm_ros.operate.foresee_run import Foreseeing

    _check(arguments)
    with user_errors():
        foreseeing = Foreseeing(arguments)
        for sentence in foreseeing.said:
            print(sentence)
        foreseen = foreseeing.run()
        _write(foreseen, foreseeing.motion, arguments.out.expanduser())
    print(f"\nSIMULATED: {foreseen.title}. The hardest passages:")
    for passage in foreseen.passages:
        print(f"- {passage.sentence(foreseen.threshold)}")
        for one in foreseen.alternatives:
            if one.passage == passage:
                print(f"  {one.sentence}")
    print(f"\nWritten to {arguments.out}: {', '.join(FILES)}.")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not 0 < arguments.threshold < 1:
        raise UserError(f"--threshold is {arguments.threshold:g}, but must be between 0 and 1")
    if not 10 <= arguments.tempo <= 300:
        raise UserError(f"--tempo is {arguments.tempo:g}, but must be from 10 to 300 percent")
    if not 0 <= arguments.passages <= 50:
        raise UserError(f"--passages is {arguments.passages}, but must be from 0 to 50")
    until_s = float("inf") if arguments.until_s is None else arguments.until_s
    if not 0 <= arguments.from_s < until_s:
        raise UserError(f"--from is {arguments.from_s:g} s, but must be before --until")


def _write(foreseen: Foreseen, generated: HandMotion, folder: Path) -> None:
    from kpm_ros.core.atomic_files import write_output
    from kpm_ros.learn.foresight.report import aligned_csv, as_csv, report_of
    from kpm_ros.learn.reports.page import render

    page, bars, effort, motion = (folder / name for name in FILES)
    write_output(page, render(report_of(foreseen)).encode())
    write_output(bars, as_csv(foreseen.table).encode())
    write_output(effort, aligned_csv(foreseen).encode())
    generated.save(motion)
