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

"""How `kpm calibrate room` places each view's camera: in pictures, by corners or by playing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kpm_ros.core.settings import check_number
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.operate.told_of_views import PerView

if TYPE_CHECKING:
    from kpm_ros.align.keyboard_finder.camera_fit import Fit
    from kpm_ros.align.keyboard_finder.lenses import Lens
    from kpm_ros.align.keyboard_finder.note_names import Piano
    from kpm_ros.align.keyboard_finder.struck_keys import StruckKeys
    from kpm_ros.core.keyboard import Keyboard
    from kpm_ros.core.registration import RegisteredCamera, Registration
    from kpm_ros.sense.samples import KeyEvent, LandmarkFrame

MOST_PICTURES = 15


@dataclass(frozen=True)
class Placed:
    """One view's camera in its place, and what it was found from."""

    registered: RegisteredCamera
    keyboard: Keyboard
    image: Any
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """What a recording of playing says of one view."""

    strikes: StruckKeys
    image_size: tuple[int, int]


def heard_by_views(arguments: argparse.Namespace, views: Sequence[str]) -> dict[str, Heard]:
    """Take a recording's hands and keys, or those of the pipeline that runs, by views.

    Of a running pipeline it must be said which views to listen to.
    """
    if not arguments.bag and not arguments.listen:
        return {}
    from kpm_ros.align.keyboard_finder.struck_keys import StruckKeys
    from kpm_ros.operate.replay import replay_errors
    from kpm_ros.replay.calibration import read_hands_and_keys

    if arguments.listen:
        frames, events = _listened(arguments, views)
    else:
        with replay_errors():
            frames, events = read_hands_and_keys(arguments.bag.expanduser(), arguments.namespace)
    views = sorted({frame.view for frame in frames})
    heard = {}
    for view in views:
        seen = [frame for frame in frames if frame.view == view]
        heard[view] = Heard(StruckKeys.of(seen, events), seen[-1].image_size)
    return heard


def _listened(
    arguments: argparse.Namespace, views: Sequence[str]
) -> tuple[list[LandmarkFrame], list[KeyEvent]]:
    from kpm_ros.operate import preflight
    from kpm_ros.pipeline_options import PipelineOptions

    if not views:
        raise UserError(
            "say which views to listen to: by --lens VIEW=FILE, or by --out FILE that has them"
        )
    given = {"namespace": arguments.namespace} if arguments.namespace else {}
    with user_errors():
        check_number("listen", arguments.listen, least=1, most=3600)
        namespace = PipelineOptions.from_strings(given).namespace
    preflight.require_ros()
    from kpm_ros.operate.live_senses import listen
    from kpm_ros.sense.samples import KeyEventKind

    print(f"listening for {arguments.listen:g} s: play", file=sys.stderr, flush=True)
    frames, events = listen(namespace, views, arguments.listen)
    seen = any(frame.points is not None for frame in frames)
    if not seen or not any(event.kind is KeyEventKind.NOTE_ON for event in events):
        lacking = "key that goes down" if seen else "hand"
        raise UserError(
            f"no {lacking} was heard of in {arguments.listen:g} s: does the pipeline run in the "
            f"namespace {namespace}, with the views {', '.join(views)}, and does somebody play"
        )
    return frames, events


def place_by_playing(per_view: PerView, view: str, heard: Heard, before: Registration) -> Placed:
    """Find one view's camera from playing alone.

    A place that was known stays while fingers are on the keys that go down: of a picture it is
    better known than of playing.
    """
    from kpm_ros.align.keyboard_finder.from_playing import from_playing
    from kpm_ros.align.keyboard_finder.lenses import Lens
    from kpm_ros.align.keyboard_finder.note_names import as_piano
    from kpm_ros.align.keyboard_finder.struck_keys import FEWEST_STRIKES, LEAST_FIT
    from kpm_ros.core.keyboard import Keyboard
    from kpm_ros.core.registration import RegisteredCamera

    known = before.cameras.get(view)
    with user_errors():
        if not all(heard.image_size):
            raise ValueError(f"{view}: it is not said how large the pictures were")
        said = per_view.piano(view, before)
        if known is None or view in per_view.lenses:
            lens = per_view.lens(view, *heard.image_size)
        else:
            lens = Lens(known.camera, known=True)
    if known is not None and len(heard.strikes.keys) >= FEWEST_STRIKES:
        share = heard.strikes.explained(known.camera)
        remark = (
            f"fingers are on {100 * share:.0f} % of {len(heard.strikes.keys)} keys that went down"
        )
        if share >= LEAST_FIT:
            return Placed(known, as_piano(Keyboard(), said), None, (f"{remark}: it stays",))
    found = from_playing(heard.strikes, lens.camera)
    depth = float(found.camera.in_optical_frame(heard.strikes.keys)[:, 2].mean())
    registered = RegisteredCamera(
        found.camera,
        found.error_mm / 1e3 * found.camera.lens[0] / depth,
        found.error_mm,
        f"{found.strikes} notes played; {_lens_in_words(lens)}",
    )
    keyboard = as_piano(Keyboard(), said)
    remarks = () if lens.known else (f"{_lens_in_words(lens)}: playing does not refine it",)
    return Placed(registered, keyboard, None, remarks)


def place(
    per_view: PerView, view: str, source: str, before: Registration, heard: Heard | None
) -> Placed:
    """Find one view's camera."""
    import numpy as np

    from kpm_ros.align.keyboard_finder.finder import find_keyboard, middle_of
    from kpm_ros.align.keyboard_finder.note_names import UnknownOctaveError, as_piano, with_notes
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
    found = find_keyboard([image], lens)
    try:
        fit = with_notes(found, said)
    except UnknownOctaveError:
        if heard is None:
            raise
        fit = _octave_from_playing(found.fit, heard)
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


def _octave_from_playing(fit: Fit, heard: Heard) -> Fit:
    """Put keys into the octave in which fingertips are on those that went down."""
    from kpm_ros.align.keyboard_finder.finder import NoKeyboardError, octaves_moved
    from kpm_ros.align.keyboard_finder.struck_keys import FEWEST_STRIKES, LEAST_FIT

    tried = [octaves_moved(fit, octaves) for octaves in range(-9, 10)]
    fits = [heard.strikes.explained(one.camera) for one in tried]
    best = max(range(len(tried)), key=fits.__getitem__)
    if fits[best] < LEAST_FIT or len(heard.strikes.keys) < FEWEST_STRIKES:
        raise NoKeyboardError(
            f"playing does not tell the octave: in the best one fingers are on "
            f"{100 * fits[best]:.0f} % of {len(heard.strikes.keys)} keys that went down"
        )
    return tried[best]


def _by_corners(image: Any, corners: Any, lens: Lens, said: Piano) -> Placed:
    import numpy as np

    from kpm_ros.align.keyboard_finder.corners import from_corners
    from kpm_ros.align.keyboard_finder.note_names import as_piano
    from kpm_ros.core.keyboard import Keyboard
    from kpm_ros.core.registration import RegisteredCamera

    keyboard = as_piano(Keyboard(), said)
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
    return f"lens assumed, {view:.0f} degrees of view: distances may be off by some %"
