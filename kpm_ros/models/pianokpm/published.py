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

"""What the published PianoKPM Net is given and gives: two views of a hand, a piano, six muscles."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.models.card import ModelCard

MUSCLES = ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
VIEWS = ("top", "right")
RATE_HZ = 1024
LOOKAHEAD = 31
UNIT = "normalised EMG envelope"


@lru_cache(maxsize=16)
def published_streams(views: tuple[str, ...] = VIEWS, *, keys: bool = True) -> Streams:
    """List the published inputs, or those of other views of a hand, with or without the piano."""
    hand = find_skeleton("mediapipe-hand")
    piano = (PianoKeys(),) if keys else ()
    return Streams((*(Landmarks(view, hand) for view in views), *piano))


def published_card(**changes: Any) -> ModelCard:
    """Describe the published model, or one that differs from it in some fields.

    >>> published_card(lookahead=0).streams.width
    172
    """
    described: dict[str, Any] = {
        "name": "pianokpm",
        "architecture": "pianokpm-net",
        "streams": published_streams(),
        "muscles": MUSCLES,
        "unit": UNIT,
        "rate_hz": RATE_HZ,
        "lookahead": LOOKAHEAD,
    }
    return ModelCard(**(described | changes))
