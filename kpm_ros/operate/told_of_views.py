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

"""What the command line of `kpm calibrate room` says of each view."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.align.keyboard_finder.lenses import Lens
    from kpm_ros.align.keyboard_finder.note_names import Piano
    from kpm_ros.core.registration import Registration


BOARD_PICTURES = 40


class PerView:
    """What was said of each view."""

    def __init__(self, arguments: argparse.Namespace, views: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self.lenses = by_view(arguments.lens, "a lens", "top=lens.yaml", views)
        corners = by_view(arguments.corners, "corners", "top=75,240,593,242,590,175,78,174", views)
        self.corners = {view: numbers(text, 8, "corners") for view, text in corners.items()}
        notes = by_view(arguments.leftmost_c, "leftmost-c", "top=60", views)
        self.notes = {view: int(numbers(text, 1, "leftmost-c")[0]) for view, text in notes.items()}

    def piano(self, view: str, before: Registration) -> Piano:
        """What is known of the piano for a view."""
        from kpm_ros.align.keyboard_finder.note_names import Piano

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
        from kpm_ros.align.keyboard_finder.lenses import Lens, known_lens
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


def by_view(
    words: list[str], what: str, example: str, views: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Read words such as top=0; UserError says which is none."""
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


def numbers(text: str, count: int, what: str) -> list[float]:
    """Read so many numbers, separated by commas; UserError says what they should have been."""
    import numpy as np

    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise UserError(f"{what} is {text!r}, but must be {count} numbers, separated by commas")
    return values
