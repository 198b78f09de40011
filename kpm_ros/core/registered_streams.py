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

"""What cameras must show for a model's streams, where it is known where they stand.

A hand in the keyboard's frame comes out of all registered views. So does a picture whose camera the
model's card tells: where cameras are registered, it is what that camera would see of the hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kpm_ros.core.streams import IMAGE, JOINED, KEYBOARD, Landmarks, Stream, Streams

if TYPE_CHECKING:
    from kpm_ros.core.registration import Registration


def is_virtual(view: Landmarks, registration: Registration | None) -> bool:
    """Whether a picture is made out of the hand in space, rather than taken by a camera."""
    registered = registration is not None and bool(registration.cameras)
    return registered and view.coordinates == IMAGE and view.camera is not None


def hand_behind(view: Landmarks) -> Landmarks:
    """The hand in space out of which a virtual view is made; one for all views of it."""
    name = "_".join(filter(None, (view.sense, "behind", view.timing, view.side)))
    return replace(view, name=name, dimensions=3, coordinates=KEYBOARD, camera=None)


def picture_of(hand: Landmarks, view: str) -> Landmarks:
    """What one camera shows of a hand; of two hands, each has a picture that says its side."""
    name = f"{view}_{hand.side}" if hand.name != hand.view else view
    return replace(hand, name=name, dimensions=3, coordinates=IMAGE, timing=JOINED, camera=None)


def sensed(streams: Streams, registration: Registration | None) -> Streams:
    """List what senses give for a model's streams: pictures, of each registered camera one.

    Without a registration, nothing shows a hand in the keyboard's frame.
    """
    views = registration.cameras if registration else {}
    listed: dict[str, Stream] = {}
    for stream in streams:
        if not isinstance(stream, Landmarks):
            listed[stream.name] = stream
        elif stream.coordinates == KEYBOARD or is_virtual(stream, registration):
            for view in views:
                picture = picture_of(stream, view)
                listed.setdefault(picture.name, picture)
        else:
            listed[stream.name] = stream
    return Streams(tuple(listed.values()))
