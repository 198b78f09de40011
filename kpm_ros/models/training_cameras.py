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

"""Where the cameras stood whose pictures a model was trained on, written into its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.streams import IMAGE, Landmarks, Streams
from kpm_ros.models.card import CardError, ModelCard


def pictures_of(card: ModelCard) -> tuple[Landmarks, ...]:
    """List the pictures that a model takes, each of one camera."""
    return tuple(
        view for view in card.streams.landmarks if (view.coordinates, view.side) == (IMAGE, "")
    )


def with_cameras(card: ModelCard, cameras: Mapping[str, Camera]) -> ModelCard:
    """Say of each of a model's pictures which camera it is of, by views.

    Where the cameras in use are registered, the model is then given what those would see.
    """
    pictures = pictures_of(card)
    lacking = [view.name for view in pictures if view.name not in cameras]
    if lacking or not pictures:
        takes = ", ".join(view.name for view in pictures) or "none"
        raise CardError(
            f"cameras are of the views {', '.join(cameras) or 'none'}, but the model "
            f"{card.name} takes pictures of {takes}"
        )
    return replace(
        card,
        streams=Streams(
            tuple(
                replace(stream, camera=cameras[stream.name])
                if isinstance(stream, Landmarks) and stream in pictures
                else stream
                for stream in card.streams
            )
        ),
    )
