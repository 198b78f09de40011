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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.core.foreign_files import printable_lines
from kpm_ros.core.settings import check_number
from kpm_ros.core.text_tables import text_table
from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.align.keyboard_finder.fitting import Lens
    from kpm_ros.align.keyboard_finder.notes import Piano
    from kpm_ros.core.keyboard import Keyboard
    from kpm_ros.core.registration import RegisteredCamera, Registration

NAME = "calibrate room"
PURPOSE = "find where the cameras stand, from the keyboard in their pictures"
EXAMPLES = """\
examples:
  kpm calibrate room top=0 right=2 --out room.yaml              cameras that are plugged in
  kpm calibrate room top=top.mp4 --lens top=lens.yaml --out room.yaml
  kpm calibrate room top=top.png --corners top=75,240,593,242,590,175,78,174
  kpm up source:=devices registration:=room.yaml                what was found, in use

The whole keyboard in the picture is best; hands may be there, and are elsewhere in other pictures.
Take them as the pipeline will: the same size, not mirrored. Beside FILE a picture of each view with
the keyboard drawn over it is written: look at it.

exit status: 0 found, 1 not sure enough (nothing is written), 2 it cannot be tried
"""
MOST_PICTURES = 15
BOARD_PICTURES = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer views, lenses, what to say of the piano, and a file to write."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="VIEW=SOURCE",
        help="a view and its picture, folder of pictures, video, stream or camera",
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


@dataclass(frozen=True)
class Placed:
    """One view's camera in its place, and what it was found from."""

    registered: RegisteredCamera
    keyboard: Keyboard
    image: Any
    remarks: tuple[str, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    """Look, tell, draw, write."""
    from kpm_ros.core.registration import Registration

    sources = _by_view(arguments.sources, "a view's source", "top=0")
    if not sources:
        raise UserError("name each view with its pictures, such as top=0 or top=video.mp4")
    if arguments.out and not arguments.out.parent.is_dir():
        raise UserError(f"out is {str(arguments.out)!r}, but there is no such folder")
    before = Registration()
    with user_errors():
        check_number("view-angle", arguments.view_angle, least=20, most=150)
        if arguments.out and arguments.out.exists():
            before = Registration.read(arguments.out)
    per_view = _PerView(arguments, sources)
    doubts = []
    placed: dict[str, Placed] = {}
    for view, source in sources.items():
        from kpm_ros.align.keyboard_finder.finder import NoKeyboardError

        try:
            placed[view] = _place(per_view, view, source, before)
        except NoKeyboardError as error:
            doubts.append(f"{view}: {error}")
    if placed:
        print(printable_lines(describe(placed)), end="", flush=True)
    doubts += _doubts_of_room(placed, before, arguments)
    if arguments.out and placed:
        _draw(arguments.out, placed)
    if doubts:
        for doubt in doubts:
            print(printable_lines(f"kpm calibrate room: {doubt}"), file=sys.stderr)
        print("kpm calibrate room: nothing was written", file=sys.stderr)
        return 1
    if arguments.out:
        piano = next(iter(placed.values())).keyboard
        cameras = dict(before.cameras) | {view: one.registered for view, one in placed.items()}
        with user_errors():
            Registration(cameras, *_whole(piano, before)).write(arguments.out)
        print(f"written to {arguments.out}")
    return 0


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


class _PerView:
    """What was said of each view."""

    def __init__(self, arguments: argparse.Namespace, views: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self.lenses = _by_view(arguments.lens, "a lens", "top=lens.yaml", views)
        corners = _by_view(arguments.corners, "corners", "top=75,240,593,242,590,175,78,174", views)
        self.corners = {view: _numbers(text, 8, "corners") for view, text in corners.items()}
        notes = _by_view(arguments.leftmost_c, "leftmost-c", "top=60", views)
        self.notes = {view: int(_numbers(text, 1, "leftmost-c")[0]) for view, text in notes.items()}

    def piano(self, view: str, before: Registration) -> Piano:
        """What is known of the piano for a view."""
        from kpm_ros.align.keyboard_finder.notes import Piano

        keys, first = self._arguments.keys, self._arguments.first_note
        if keys is not None and first is None:
            from kpm_ros.align.keyboard_finder.extent import LAYOUTS

            first = LAYOUTS.get(keys)
        if keys is None and first is None and before.cameras:
            keys, first = before.keys, before.first_note
        if first is not None and keys is None:
            raise UserError("give --keys with --first-note")
        if keys is not None and (first is None or not 0 < keys <= 128 - first <= 128):
            raise UserError(f"{keys} keys need a --first-note with which they are notes 0 to 127")
        return Piano(keys, first, self.notes.get(view))

    def lens(self, view: str, width: int, height: int) -> Lens:
        """Read or measure a view's lens, or assume one."""
        from kpm_ros.align.keyboard_finder.fitting import Lens
        from kpm_ros.align.keyboard_finder.lenses import known_lens
        from kpm_ros.sense.camera.camera_calibration import read_calibration
        from kpm_ros.sense.camera.charuco import Board, measure_lens
        from kpm_ros.sense.camera.some_pictures import take_pictures

        if view not in self.lenses:
            return Lens.assumed(width, height, self._arguments.view_angle)
        source = self.lenses[view]
        if Path(source).suffix.lower() in (".yaml", ".yml"):
            calibration = read_calibration(source)
        else:
            board = Board.parse(self._arguments.board)
            calibration = measure_lens(take_pictures(source, BOARD_PICTURES), board)
        return known_lens(calibration, width, height)


def _place(per_view: _PerView, view: str, source: str, before: Registration) -> Placed:
    """Find one view's camera."""
    import numpy as np

    from kpm_ros.align.keyboard_finder.finder import find_keyboard, middle_of
    from kpm_ros.align.keyboard_finder.notes import as_piano, with_notes
    from kpm_ros.core.registration import RegisteredCamera
    from kpm_ros.sense.camera.camera_device import CameraError
    from kpm_ros.sense.camera.some_pictures import take_pictures

    try:
        with user_errors():
            images = take_pictures(source, MOST_PICTURES)
            height, width = images[0].shape[:2]
            lens = per_view.lens(view, width, height)
            said = per_view.piano(view, before)
    except (UserError, CameraError) as error:
        raise UserError(f"{view}: {error}") from None
    image = middle_of(images)
    if view in per_view.corners:
        return _by_corners(image, np.reshape(per_view.corners[view], (4, 2)), lens, said)
    found = find_keyboard(images, lens)
    fit = with_notes(found, said)
    pictures = f"{len(images)} pictures" if len(images) > 1 else "a picture"
    registered = RegisteredCamera(
        fit.camera,
        float(np.sqrt((fit.errors_px() ** 2).mean())),
        float(np.sqrt((fit.errors_mm() ** 2).mean())),
        f"{fit.keyboard.keys} keys in {pictures}; {_lens_in_words(lens)}",
    )
    remarks = [] if lens.known else [_lens_in_words(lens)]
    if found.upside_down:
        remarks.append(
            "the picture is upside down: the camera hangs the other way up, which is fine"
        )
    return Placed(registered, as_piano(fit.keyboard, said), image, tuple(remarks))


def _by_corners(image: Any, corners: Any, lens: Lens, said: Piano) -> Placed:
    import numpy as np

    from kpm_ros.align.keyboard_finder.corners import from_corners
    from kpm_ros.core.keyboard import Keyboard
    from kpm_ros.core.registration import RegisteredCamera

    keyboard = Keyboard()
    if said.keys is not None and said.first_note is not None:
        keyboard = replace(keyboard, first_note=said.first_note, keys=said.keys)
    camera, off_px = from_corners(corners, keyboard, lens)
    point = np.array([(keyboard.left_m + keyboard.right_m) / 2, 0.0, 0.0])
    depth = float(camera.in_optical_frame(point)[2])
    how = f"four corners given by hand; {_lens_in_words(lens)}"
    registered = RegisteredCamera(camera, off_px, 1e3 * off_px * depth / camera.lens[0], how)
    remarks = () if lens.known else (_lens_in_words(lens),)
    return Placed(registered, keyboard, image, remarks)


def _lens_in_words(lens: Lens) -> str:
    import numpy as np

    if lens.known:
        return "lens measured"
    camera = lens.camera
    view = np.degrees(2 * np.arctan(max(camera.image_size) / 2 / camera.lens[0]))
    return f"lens assumed from {view:.0f} degrees on, and refined: distances may be off by some %"


def _doubts_of_room(
    placed: Mapping[str, Placed], before: Registration, arguments: argparse.Namespace
) -> list[str]:
    from kpm_ros.align.keyboard_finder.room import swapped_names, swapped_since

    cameras = {view: one.registered.camera for view, one in placed.items()}
    doubts = [swapped_since(cameras, before) or swapped_names(cameras)]
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
        drawn = drawn_over(one.image, one.registered.camera, one.keyboard)
        path = out.with_suffix(f".{view}.png")
        with user_errors():
            write_output(path, load_opencv().imencode(".png", drawn)[1].tobytes())
        print(f"look at {path}: the lines must lie on the keys")


def _by_view(
    words: list[str], what: str, example: str, views: Mapping[str, Any] | None = None
) -> dict[str, str]:
    named: dict[str, str] = {}
    for word in words:
        view, equals, value = word.partition("=")
        if not equals or not view.isidentifier() or not value:
            raise UserError(f"{word!r} is not {what} of a view, such as {example}")
        if view in named:
            raise UserError(f"the view {view!r} is named twice")
        if views is not None and view not in views:
            raise UserError(f"{word!r} is of a view that has no source: add {view}=SOURCE")
        named[view] = value
    return named


def _numbers(text: str, count: int, what: str) -> list[float]:
    import numpy as np

    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise UserError(f"{what} is {text!r}, but must be {count} numbers, separated by commas")
    return values
