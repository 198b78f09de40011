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

"""`kpm calibrate room`: where each camera stands, from the keyboard in its picture, or playing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.foreign_files import printable_lines
from kpm_ros.core.settings import check_number
from kpm_ros.core.text_tables import text_table
from kpm_ros.operate.calibrate_views import Heard, Placed, heard_by_views, place, place_by_playing
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.operate.told_of_views import PerView, by_view

if TYPE_CHECKING:
    from kpm_ros.core.keyboard import Keyboard
    from kpm_ros.core.registration import Registration

NAME = "calibrate room"
PURPOSE = "find where the cameras stand, from the keyboard in their pictures or from playing"
EXAMPLES = """\
examples:
  kpm calibrate room top=0 right=2 --out room.yaml              cameras that are plugged in
  kpm calibrate room top=top.mp4 --lens top=lens.yaml --out room.yaml
  kpm calibrate room --from my_bag --lens right=lens.yaml --out room.yaml
  kpm calibrate room --listen 60 --out room.yaml                while kpm up runs and one plays
  kpm calibrate room top=top.png --corners top=75,240,593,242,590,175,78,174
  kpm up source:=devices registration:=room.yaml                what was found, in use

The whole keyboard in the picture is best; hands may be there, and are elsewhere in other pictures.
Take them as the pipeline will: the same size, not mirrored. Beside FILE a picture of each view with
the keyboard drawn over it is written: look at it.

exit status: 0 found, 1 not sure enough (no registration is written), 2 it cannot be
tried
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer views, lenses, what to say of the piano, and a file to write."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="VIEW=SOURCE",
        help="a view and its picture, folder of pictures, video, stream or camera",
    )
    parser.add_argument(
        "--from",
        dest="bag",
        type=Path,
        metavar="BAG",
        help="a recording of playing: its views that have no source are found from it, and it "
        "tells the octave of those that have",
    )
    parser.add_argument(
        "--listen",
        type=float,
        metavar="SECONDS",
        help="the same from the pipeline that runs, while somebody plays with hands that its "
        "cameras see; places that FILE has stay where fingers are on the keys that go down",
    )
    parser.add_argument(
        "--namespace",
        default="",
        help="of the topics, where a bag has several (live: kpm unless given)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the registration; one that is there keeps its other views",
    )
    lens = parser.add_argument_group("lens")
    lens.add_argument(
        "--lens",
        action="append",
        default=[],
        metavar="VIEW=FILE",
        help="a ROS calibration file, or pictures or a video of a ChArUco board",
    )
    lens.add_argument(
        "--board",
        default="7x5,0.035,0.026,DICT_5X5_100",
        help="the board: COLUMNSxROWS,SQUARE,MARKER,DICTIONARY, in metres (default: %(default)s)",
    )
    lens.add_argument(
        "--view-angle",
        type=float,
        default=65.0,
        metavar="DEG",
        help="across the picture's longer side, where no lens is given; a start, which the "
        "picture refines (default: 65)",
    )
    piano = parser.add_argument_group("piano")
    piano.add_argument("--keys", type=int, metavar="N", help="how many keys it has")
    piano.add_argument("--first-note", type=int, metavar="NOTE", help="MIDI note of its lowest key")
    piano.add_argument(
        "--leftmost-c",
        action="append",
        default=[],
        metavar="VIEW=NOTE",
        help="MIDI note of the leftmost C in the picture, where only a part of the keys is seen",
    )
    piano.add_argument(
        "--corners",
        action="append",
        default=[],
        metavar="VIEW=X,Y,...",
        help="pixels of the keyboard's corners, where it is not found: front left, front right, "
        "back right, back left of the white keys, as the pianist sees them",
    )


def run(arguments: argparse.Namespace) -> int:
    """Look, tell, draw, write."""
    from kpm_ros.core.registration import Registration

    sources = by_view(arguments.sources, "a view's source", "top=0")
    if not sources and not arguments.bag and not arguments.listen:
        raise UserError("name each view with its pictures, such as top=0 or top=video.mp4")
    if arguments.bag and arguments.listen:
        raise UserError(
            "playing is heard of from a recording or live: leave --from or --listen away"
        )
    if arguments.out and not arguments.out.parent.is_dir():
        raise UserError(f"out is {str(arguments.out)!r}, but there is no such folder")
    before = Registration()
    with user_errors():
        check_number("view-angle", arguments.view_angle, least=20, most=150)
        if arguments.out and arguments.out.exists():
            before = Registration.read(arguments.out)
    named = (*sources, *before.cameras, *by_view(arguments.lens, "a lens", "top=lens.yaml"))
    played = heard_by_views(arguments, tuple(dict.fromkeys(named)))
    per_view = PerView(arguments, {**sources, **played})
    placed, doubts = _placed(per_view, sources, played, before)
    if placed:
        print(printable_lines(describe(placed)), end="", flush=True)
    doubts += _doubts_of_room(placed, before, played)
    if arguments.out and placed:
        _draw(arguments.out, placed)
    if doubts:
        for doubt in doubts:
            print(printable_lines(f"kpm calibrate room: {doubt}"), file=sys.stderr)
        print("kpm calibrate room: no registration was written", file=sys.stderr)
        return 1
    if arguments.out:
        piano = next(iter(placed.values())).keyboard
        cameras = dict(before.cameras) | {view: one.registered for view, one in placed.items()}
        with user_errors():
            Registration(cameras, *_whole(piano, before)).write(arguments.out)
        print(f"written to {arguments.out}")
    return 0


def _placed(
    per_view: PerView,
    sources: Mapping[str, str],
    played: Mapping[str, Heard],
    before: Registration,
) -> tuple[dict[str, Placed], list[str]]:
    """Find each view's camera, or say why it is not found."""
    from kpm_ros.align.keyboard_finder.finder import NoKeyboardError

    placed, doubts = {}, []
    for view in dict.fromkeys((*sources, *played)):
        try:
            if view in sources:
                placed[view] = place(per_view, view, sources[view], before, played.get(view))
            else:
                placed[view] = place_by_playing(per_view, view, played[view], before)
        except NoKeyboardError as error:
            doubts.append(f"{view}: {error}")
    return placed, doubts


def _whole(piano: Keyboard, before: Registration) -> tuple[int, int]:
    """First note and number of keys: of a part of the keyboard, those of the piano it is of."""
    first, last = before.first_note, before.first_note + before.keys - 1
    if first <= piano.notes[0] and piano.notes[-1] <= last and before.cameras:
        return first, before.keys
    return piano.first_note, piano.keys


def describe(placed: Mapping[str, Placed]) -> str:
    """One line for each view, and what there is to remark."""
    import numpy as np

    rows = []
    for view, one in placed.items():
        camera = one.registered.camera
        x, y, z = camera.position
        rows.append(
            (
                view,
                f"{one.keyboard.keys} from {one.keyboard.first_note}",
                f"{one.registered.error_px:.2f}",
                f"{one.registered.error_mm:.1f}",
                f"{100 * x:.0f}, {100 * y:.0f}, {100 * z:.0f}",
                f"{np.degrees(2 * np.arctan(camera.image_size[0] / 2 / camera.lens[0])):.0f}",
            )
        )
    head = ("view", "keys", "error px", "error mm", "stands at cm", "view deg")
    lines = [text_table(rows, head, figures=range(2, 6))]
    lines += [f"{view}: {remark}" for view, one in placed.items() for remark in one.remarks]
    return "\n".join(lines) + "\n"


def _doubts_of_room(
    placed: Mapping[str, Placed], before: Registration, played: Mapping[str, Heard]
) -> list[str]:
    from kpm_ros.align.keyboard_finder.room import shown_twice, swapped_names, swapped_since
    from kpm_ros.align.keyboard_finder.struck_keys import doubt_of_views

    cameras = {view: one.registered.camera for view, one in placed.items()}
    strikes = {view: played[view].strikes for view in cameras if view in played}
    doubts = [
        shown_twice(cameras)
        or swapped_since(cameras, before)
        or swapped_names(cameras)
        or doubt_of_views(cameras, strikes)
    ]
    pianos = {view: one.keyboard for view, one in placed.items()}
    for view, piano in list(pianos.items())[1:]:
        first_view, first = next(iter(pianos.items()))
        if (piano.keys, piano.first_note) != (first.keys, first.first_note):
            doubts.append(
                f"{first_view} sees {first.keys} keys from note {first.first_note} on and {view} "
                f"{piano.keys} from {piano.first_note} on: different pianos, or parts of one; "
                "say which with --keys and --first-note"
            )
    return [doubt for doubt in doubts if doubt]


def _draw(out: Path, placed: Mapping[str, Placed]) -> None:
    from kpm_ros.align.keyboard_finder.drawing import drawn_over
    from kpm_ros.core.atomic_files import write_output
    from kpm_ros.sense.camera.opencv import load_opencv

    for view, one in placed.items():
        if one.image is None:
            continue
        drawn = drawn_over(one.image, one.registered.camera, one.keyboard)
        path = out.with_suffix(f".{view}.png")
        with user_errors():
            write_output(path, load_opencv().imencode(".png", drawn)[1].tobytes())
        print(f"look at {path}: the lines must lie on the keys")
