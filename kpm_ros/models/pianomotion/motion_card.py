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

"""What a model of two hands' movement is: its stage, its sizes, and the card that tells them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from kpm_ros.core.foreign_files import printable
from kpm_ros.core.hand_motion import CAMERA, FRAMES

RATE_HZ = 30
WINDOW = 240
"""Frames of 8 s."""
HANDS = ("right", "left")
"""The order in which both hands' columns stand."""
PLACES = 6
"""Columns of both hands' places."""
ANGLES = 96
"""Columns of both hands' turns: of each 16 joints, as axis and angle."""
POSITION, GESTURE, ENCODING = "position", "gesture", "encoding"
STAGES = (POSITION, GESTURE, ENCODING)
TRANSFORMER, SSM = "transformer", "ssm"
MIDI, WAV2VEC2, HUBERT = "midi", "wav2vec2", "hubert"
SEQUENCES = (TRANSFORMER, SSM)
FEATURES = (MIDI, WAV2VEC2, HUBERT)
PLACE_SCALE = (1.5, 1.5, 25.0)
"""By which published data divide a place in the camera's frame, in metres."""
MOST_SOUND_WIDTH = 8192
_KEY = "kpm_motion_card"


class MotionCardError(ValueError):
    """A card that describes no model of movement that can be used."""


@dataclass(frozen=True)
class Size:
    """Widths and depths of the networks."""

    width: int
    """Of the position predictor."""
    layers: int
    """Of each encoder and each decoder; the SSM has one block with so many states instead."""
    heads: int
    hidden: int
    """Between the two layers of an encoder's perceptron."""
    condition: int
    """Of the features, where they come from notes; sound has its encoder's own width."""
    channels: int
    """Of the U-Net's first level."""
    multiples: tuple[int, ...]
    """Of those channels, level by level."""


SIZES: Mapping[str, Size] = {
    "small": Size(64, 2, 4, 256, 64, 32, (1, 2, 4)),
    "base": Size(512, 4, 4, 2048, 768, 256, (1, 2, 4, 8)),
    "large": Size(512, 8, 4, 2048, 1024, 256, (1, 2, 4, 8)),
}
"""`base` and `large` are the published ones; `small` trains on two cores."""


@dataclass(frozen=True, kw_only=True)
class MotionCard:
    """What a model takes, what it gives, and where it comes from. Travels in the weights file."""

    name: str
    stage: str
    """"position" for where the hands are; "gesture" for how they are turned and bent there, of
    which the predictor of positions that it was trained on is a part; "encoding" for features that
    gestures are compared in."""
    size: str = "small"
    sequence: str = TRANSFORMER
    features: str = MIDI
    sound: dict[str, Any] = field(default_factory=dict)
    """Configuration of the sound's encoder, as `transformers` writes it; empty for notes."""
    masked_alone: bool = False
    """Whether one window alone is seen through a causal mask that training never has, as coded."""
    frame: str = CAMERA
    place_offset: tuple[float, ...] = (0.0,) * PLACES
    """Subtracted from both hands' places, right first."""
    place_scale: tuple[float, ...] = PLACE_SCALE * 2
    """Then divided by."""
    simulated: bool = False
    """Whether any of the movement that it was trained on was simulated."""
    trained_on: str = "nothing: random weights"
    scores: dict[str, float] = field(default_factory=dict)
    licence: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        """Refuse a card that describes no network."""
        for name, allowed in (
            ("stage", STAGES),
            ("size", tuple(SIZES)),
            ("sequence", SEQUENCES),
            ("features", FEATURES),
            ("frame", FRAMES),
        ):
            value = getattr(self, name)
            if value not in allowed:
                said = ", ".join(allowed)
                raise MotionCardError(f"the card's {name} is {value!r}, but must be one of {said}")
        for name in ("place_offset", "place_scale"):
            values = getattr(self, name)
            if len(values) != PLACES or not all(math.isfinite(each) for each in values):
                raise MotionCardError(f"the card's {name} must be {PLACES} numbers")
        if min(self.place_scale) <= 0:
            raise MotionCardError("the card's place_scale must be above 0")
        if self.features != MIDI:
            self._check_sound()

    def _check_sound(self) -> None:
        kind, width = self.sound.get("model_type"), self.sound.get("hidden_size")
        if kind != self.features:
            raise MotionCardError(f"the sound's encoder is {kind!r}, not {self.features!r}")
        if type(width) is not int or not 0 < width <= MOST_SOUND_WIDTH or width % self.heads:
            raise MotionCardError(
                f"the sound's encoder is {width!r} wide, but must be a multiple of {self.heads} "
                f"up to {MOST_SOUND_WIDTH}"
            )

    @property
    def layout(self) -> Size:
        """Widths and depths."""
        return SIZES[self.size]

    @property
    def heads(self) -> int:
        """Of every attention but the U-Net's."""
        return self.layout.heads

    @property
    def feature_width(self) -> int:
        """Width of the features that both stages see."""
        return self.layout.condition if self.features == MIDI else int(self.sound["hidden_size"])

    def of_gesture(self, **given: Any) -> MotionCard:
        """Describe a gesture model on top of this predictor of positions."""
        return replace(self, stage=GESTURE, **given)

    def to_metadata(self) -> dict[str, str]:
        """Strings only, as a safetensors header wants them."""
        plain = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {_KEY: json.dumps(plain, sort_keys=True)}

    @staticmethod
    def is_in(metadata: Any) -> bool:
        """Whether a file's metadata hold such a card."""
        return isinstance(metadata, dict) and _KEY in metadata

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str] | None) -> MotionCard:
        """Read a card back; a field that is missing or of another type is named in the error."""
        if not metadata or _KEY not in metadata:
            raise MotionCardError(
                f"the file carries no card of a model of movement (metadata entry {_KEY!r}): "
                "`kpm train --model pianomotion-gesture` writes such files"
            )
        try:
            raw = json.loads(metadata[_KEY])
            values = {spec.name: _checked(raw[spec.name], str(spec.type)) for spec in fields(cls)}
        except KeyError as error:
            raise MotionCardError(f"the card lacks the field {error.args[0]!r}") from None
        except (TypeError, ValueError, RecursionError) as error:
            said = printable(str(error))
            raise MotionCardError(f"the card cannot be read: {said}") from None
        return cls(**values)


def _checked(value: Any, annotation: str) -> Any:
    kinds: dict[str, type] = {"str": str, "bool": bool}
    kind = kinds.get(annotation, list if annotation.startswith("tuple") else dict)
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not a {kind.__name__}")
    return tuple(map(float, value)) if isinstance(value, list) else value
