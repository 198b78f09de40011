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

"""`kpm explain`: why effort was late, or not valid, at a moment of a recorded run."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.replay.explanation import Run

NAME = "explain"
PURPOSE = "say why effort was late at a moment of a bag: which input, which stage"
EXAMPLES = """\
examples:
  kpm explain out/demo/bag                   the three worst moments
  kpm explain out/demo/bag --at 12.5         12.5 s after the bag's beginning
  kpm explain my_bag --at 14:03:22           by the clock of this machine's time zone

Told are each stage's delay, inputs that were late, lost or silent, flags, and what nodes said of
themselves within a second, where they differ from what is usual in this bag.
"""
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)")
_DAY_S = 24 * 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the bag and the moment."""
    parser.add_argument("bag", type=Path, metavar="BAG", help="a bag's folder or one of its files")
    parser.add_argument(
        "--at",
        metavar="TIME",
        help="seconds since the bag's beginning, or a time of day such as 14:03:22 (default: the "
        "worst moments)",
    )
    parser.add_argument(
        "--moments", type=int, default=3, metavar="N", help="how many of the worst (default: 3)"
    )
    parser.add_argument("--namespace", default="", help="of the bag's topics (default: any)")


def run(arguments: argparse.Namespace) -> int:
    """Read the bag and tell."""
    from kpm_ros.operate.replay import replay_errors
    from kpm_ros.replay.explanation import Run

    if arguments.moments < 1:
        raise UserError(f"--moments is {arguments.moments}, but must be 1 or more")
    with replay_errors():
        told = Run(arguments.bag, arguments.namespace)
        moments = [_instant(arguments.at, told)] if arguments.at else told.worst(arguments.moments)
        for at_ns in moments:
            moment = told.explain(at_ns)
            print(f"{moment.clock}, {moment.into_s:.3f} s into the bag:")
            for sentence in moment.sentences:
                print(f"  {sentence}")
    return 0


def _instant(word: str, told: Run) -> int:
    """Read a moment; one that is not in the bag is refused."""
    begin_s, end_s = told.begin_ns / 1e9, told.end_ns / 1e9
    found = _CLOCK.fullmatch(word.strip())
    if found:
        since_midnight = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
        midnight = datetime.fromtimestamp(begin_s).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        at_s = midnight.timestamp() + since_midnight
        if at_s < begin_s - 1.0:
            at_s += _DAY_S  # recorded past midnight
    else:
        try:
            at_s = begin_s + float(word)
        except ValueError:
            raise UserError(
                f"--at is {word!r}, but must be seconds such as 12.5, or a time such as 14:03:22"
            ) from None
    if not begin_s - 1.0 <= at_s <= end_s + 1.0:
        first, last = (datetime.fromtimestamp(s).strftime("%H:%M:%S") for s in (begin_s, end_s))
        raise UserError(
            f"--at is {word}, but the bag is {end_s - begin_s:.1f} s long, from {first} to {last}"
        )
    return round(at_s * 1e9)
