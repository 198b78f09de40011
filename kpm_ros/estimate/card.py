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

"""A model's card: everything about a model that its weights do not say."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kpm_ros.estimate.seen import Seen

PIANOKPM_MUSCLES = ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")

MOST_RATE_HZ = 100_000

LATER_FIELDS = frozenset({"optional", "seen"})
"""Fields that files of earlier versions lack; their defaults say what held for those."""


@dataclass(frozen=True)
class ModelCard:
    """What a model takes, what it gives, and where it comes from. Travels in the weights file.

    The defaults are those of the published PianoKPM Net, not of the code.
    """

    name: str = "pianokpm"
    architecture: str = "pianokpm-net"
    inputs: tuple[str, ...] = ("pose", "keys")
    optional: tuple[str, ...] = ()
    """Inputs that the model was trained to do without while the others are there."""
    views: tuple[str, ...] = ("top", "right")
    landmarks: int = 21
    first_note: int = 21
    keys: int = 88
    muscles: tuple[str, ...] = PIANOKPM_MUSCLES
    unit: str = "normalised EMG envelope"
    rate_hz: int = 1024
    lookahead: int = 31
    """Samples of the future that each output waits for."""
    pose_offset: tuple[float, ...] = ()
    """Subtracted from each pose channel; empty = nothing."""
    pose_scale: tuple[float, ...] = ()
    """Then divided by, each pose channel; empty = nothing."""
    trained_on: str = "nothing: random weights"
    seen: dict[str, list[str]] = field(default_factory=dict)
    """Digests of whom and what it was trained on (`Seen`); empty = not known."""
    scores: dict[str, float] = field(default_factory=dict)
    licence: str = ""
    notes: str = ""

    @property
    def pose_channels(self) -> int:
        """Width of the pose input: x and y of every landmark of every view."""
        return len(self.views) * self.landmarks * 2

    @property
    def lookahead_s(self) -> float:
        """How much of the future the model waits for, in seconds."""
        return self.lookahead / self.rate_hz

    def to_metadata(self) -> dict[str, str]:
        """Strings only, as a safetensors header wants them."""
        return {"kpm_card": json.dumps(asdict(self), sort_keys=True)}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str] | None) -> ModelCard:
        """Read a card back; a field that is missing or of another type is named in the error."""
        if not metadata or "kpm_card" not in metadata:
            raise ValueError("the file carries no model card (metadata entry 'kpm_card')")
        try:
            raw = json.loads(metadata["kpm_card"])
        except json.JSONDecodeError as error:
            raise ValueError(f"the model card is not JSON: {error}") from None
        if not isinstance(raw, dict):
            raise ValueError("the model card is not a table of fields")
        default = cls()
        values: dict[str, Any] = {}
        for spec in fields(cls):
            if spec.name not in raw:
                if spec.name in LATER_FIELDS:
                    continue
                raise ValueError(f"the model card lacks the field {spec.name!r}")
            value = raw[spec.name]
            expected = type(getattr(default, spec.name))
            if expected is tuple and isinstance(value, list):
                value = tuple(value)
            if not isinstance(value, expected):
                raise ValueError(
                    f"the model card's {spec.name!r} is {value!r}, not a {expected.__name__}"
                )
            if not _holds(value, str(spec.type)):
                raise ValueError(
                    f"the model card's {spec.name!r} holds something else than {spec.type}"
                )
            values[spec.name] = value
        if not 0 < values["rate_hz"] <= MOST_RATE_HZ:
            raise ValueError(
                f"a model at {values['rate_hz']} samples a second cannot be run: 1 to "
                f"{MOST_RATE_HZ} can"
            )
        Seen.from_card(values.get("seen", {}))
        return cls(**values)


_NUMBER = (int, float)
_ELEMENTS: dict[str, Any] = {
    "tuple[str, ...]": str,
    "tuple[float, ...]": _NUMBER,
    "dict[str, float]": _NUMBER,
}


def _holds(value: Any, annotation: str) -> bool:
    """Whether what a card holds is what its field's annotation says, and can be shown."""
    if isinstance(value, (tuple, dict)):
        kind = _ELEMENTS.get(annotation, object)
        parts = [*value.values(), *value] if isinstance(value, dict) else value
        inner = value.values() if isinstance(value, dict) else value
        shown = all(one.isprintable() for one in parts if isinstance(one, str))
        return shown and all(isinstance(one, kind) for one in inner)
    if isinstance(value, str):
        return value.replace("\n", "").isprintable()
    return not isinstance(value, int) or abs(value) < 1 << 31
