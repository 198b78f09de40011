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

"""`kpm calibrate`: how late the cameras' time stamps are, from a minute of playing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.foreign_files import printable_lines
from kpm_ros.core.settings import check_number
from kpm_ros.core.text_tables import text_table
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    from kpm_ros.align.offset import Offset
    from kpm_ros.sense.samples import KeyEvent, LandmarkFrame

NAME = "calibrate"
PURPOSE = "measure the time between cameras and keys from a minute of playing"
EXAMPLES = """\
examples:
  kpm calibrate --seconds 60 --write mine.yaml     while the pipeline runs and somebody plays
  kpm calibrate out/demo/bag                       from a recording
  kpm up source:=devices params_file:=mine.yaml    what was found, in use

Play single notes, runs and chords with the hand that the cameras see, soft and loud, for a minute.
At least one upright camera must see the hand from the side or the front, so that keys are seen to
go down; cameras above the keys are compared with that one.

exit status: 0 found, 1 not sure enough (nothing is written), 2 it cannot be measured
"""

SURE = 0.7
"""Confidence from which an offset is written down."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer a recording or a running pipeline, and a file to write."""
    parser.add_argument(
        "bag", type=Path, nargs="?", metavar="BAG", help="a recording; without one, live topics"
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="how long to listen live (default: 60)"
    )
    parser.add_argument(
        "--views",
        default="",
        help="camera views to listen to live, separated by commas (default: the default model's)",
    )
    parser.add_argument(
        "--namespace", default="", help="namespace of the topics (live: kpm unless given)"
    )
    parser.add_argument(
        "--side",
        default="",
        metavar="VIEW",
        help="the view that sees keys go down (default: the best one that does)",
    )
    parser.add_argument(
        "--params-file",
        "--params_file",
        default="",
        metavar="FILE",
        help="parameters that the cameras ran with (default: those of --write, else the package's)",
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="parameters file that gets each camera's latency_s; the rest of it stays",
    )


def run(arguments: argparse.Namespace) -> int:
    """Listen, measure, tell, write."""
    from kpm_ros.align.view_offset import estimate_offsets
    from kpm_ros.operate import latencies

    namespace = arguments.namespace.strip("/") or PipelineOptions().namespace
    before = latencies.Latencies(namespace, arguments.params_file, arguments.write)
    frames, events = _senses(arguments, namespace)
    with user_errors():
        offsets = estimate_offsets(frames, events, arguments.side)
    after = {view: before.of(view) + offset.offset_s for view, offset in offsets.items()}
    text = describe(offsets, {view: before.of(view) for view in offsets}, after)
    print(printable_lines(text), end="", flush=True)
    doubt = why_not(offsets)
    if doubt:
        print(f"kpm calibrate: {doubt}; nothing was written", file=sys.stderr)
        return 1
    if arguments.write:
        before.write(after)
        print(f"written to {arguments.write}")
    return 0


def describe(
    offsets: Mapping[str, Offset], before: Mapping[str, float], after: Mapping[str, float]
) -> str:
    """One line for each view."""
    rows = []
    for view, offset in sorted(offsets.items()):
        found = f"{1e3 * offset.offset_s:+.1f} ms" if offset.confidence else "not found"
        change = f"{before[view]:.4f} -> {after[view]:.4f}" if offset.confidence else "as it is"
        rows.append((view, found, f"{offset.confidence:.2f}", str(offset.onsets_used), change))
    head = ("view", "offset to keys", "confidence", "notes", "latency_s")
    return text_table(rows, head, figures=range(1, 4)) + "\n"


def why_not(offsets: Mapping[str, Offset]) -> str:
    """Say why the offsets are not to be relied on; empty when they are."""
    from kpm_ros.align.offset import ENOUGH_ONSETS, WANTED_S

    if not offsets:
        return "no hand was seen: do the cameras run, and is the hand in sight"
    doubtful = {view: each for view, each in offsets.items() if each.confidence < SURE}
    if not doubtful:
        return ""
    notes = max(each.onsets_used for each in doubtful.values())
    if notes < SURE * ENOUGH_ONSETS:
        return (
            f"{notes} notes are too few, counting those with the hand in sight before and after: "
            f"play {ENOUGH_ONSETS} or more"
        )
    if not any(each.confidence for each in offsets.values()):
        return (
            "no view sees keys go down where the notes say so: set an upright camera beside or in "
            "front of the hand, or name the one there is with --side"
        )
    views = ", ".join(sorted(doubtful))
    return (
        f"the offset of {views} is not sure to {1e3 * WANTED_S:.0f} ms: play more notes, with the "
        "whole hand in sight of all cameras"
    )


def _senses(
    arguments: argparse.Namespace, namespace: str
) -> tuple[list[LandmarkFrame], list[KeyEvent]]:
    """Frames and key events, from the recording or from live topics."""
    from kpm_ros.operate.replay import replay_errors

    if arguments.bag:
        from kpm_ros.replay.calibration import read_hands_and_keys

        with replay_errors():
            return read_hands_and_keys(arguments.bag.expanduser(), arguments.namespace)
    with user_errors():
        check_number("seconds", arguments.seconds, least=1, most=3600)
    with user_errors():
        options = PipelineOptions.from_strings({"namespace": namespace})
        named = [view.strip() for view in arguments.views.split(",") if view.strip()]
        if len(set(named)) < len(named):
            raise UserError(f"views is {arguments.views!r}, but must name each view once")
        views = named or options.sensed.views
    from kpm_ros.operate import preflight

    preflight.require_ros()
    from kpm_ros.operate.live_senses import listen

    print(f"listening for {arguments.seconds:g} s: play", file=sys.stderr)
    return listen(options.namespace, views, arguments.seconds)
