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

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kpm_ros.core.skeletons import SkeletonError, find_skeleton
from kpm_ros.core.streams import KEYS, POSE, Landmarks, PianoKeys, Stream, StreamError, Streams
from kpm_ros.models.seen import Seen

VERSION = 2
"""Of how a card is written. Version 1 knew views of one hand and a piano, and nothing else."""
MOST_RATE_HZ = 100_000
MOST_MUSCLES = 1000
ADDED = ("familiar", "interval", "levels")
"""Tables that earlier cards of this version lack, and that are left out where they are empty."""
LARGEST_NUMBER = 1e30
"""Of a normalisation; larger ones leave float32's range once anything is done with them."""


class CardError(ValueError):
    """A card that describes no model that can be used."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a model takes, what it gives, and where it comes from. Travels in the weights file."""

    name: str
    architecture: str
    streams: Streams
    """What it is given, in the order of a row's columns."""
    optional: tuple[str, ...] = ()
    """Senses that it was trained to do without while others are there."""
    muscles: tuple[str, ...]
    unit: str
    rate_hz: int
    """Samples of the grid that it runs on, a second."""
    lookahead: int = 0
    """Samples of the future that each output waits for."""
    offset: tuple[float, ...] = ()
    """Subtracted from each column; empty = nothing."""
    scale: tuple[float, ...] = ()
    """Then divided by, each column; empty = nothing."""
    trained_on: str = "nothing: random weights"
    seen: dict[str, list[str]] = field(default_factory=dict)
    """Digests of whom and what it was trained on (`Seen`); empty = not known."""
    familiar: dict[str, list[float]] = field(default_factory=dict)
    """Lowest and highest value of what training saw (`estimate.familiarity`); empty = not known."""
    interval: dict[str, list[float]] = field(default_factory=dict)
    """Of each muscle, by turns an effort and half the width of what holds 90 % of the truth beside
    it (`models.intervals`); empty = not known."""
    levels: dict[str, list[float]] = field(default_factory=dict)
    """Of each muscle, its effort at rest and at its strongest in training (`models.levels`); empty
    = not known."""
    scores: dict[str, float] = field(default_factory=dict)
    licence: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        """Refuse a card that describes no model of any architecture."""
        if not 0 < self.rate_hz <= MOST_RATE_HZ or self.rate_hz != int(self.rate_hz):
            raise CardError(
                f"a model at {self.rate_hz} samples a second cannot be run: 1 to {MOST_RATE_HZ}, "
                "a whole number, can"
            )
        if not 0 < len(self.muscles) <= MOST_MUSCLES:
            raise CardError(
                f"a model of {len(self.muscles)} muscles cannot be run: 1 to {MOST_MUSCLES} can"
            )
        if len(set(self.muscles)) < len(self.muscles):
            twice = next(name for name in self.muscles if self.muscles.count(name) > 1)
            raise CardError(f"the muscle {twice!r} is named more than once")
        unknown = [sense for sense in self.optional if sense not in self.streams.senses]
        if unknown:
            raise CardError(
                f"a model can do without its senses {', '.join(self.streams.senses) or 'none'} "
                f"only, not without {unknown[0]!r}"
            )
        if self.lookahead < 0:
            raise CardError(f"a look-ahead of {self.lookahead} samples is below 0")
        self._check_normalisation()
        for name, told in self.familiar.items():
            if not _is_range(told):
                raise CardError(f"what is familiar of {name!r} is {told!r}, no range of numbers")
        self._check_interval()
        if self.levels and set(self.levels) != set(self.muscles):
            raise CardError("levels must be told of each muscle and of nothing else")
        for name, told in self.levels.items():
            if not _is_range(told):
                raise CardError(f"the levels of {name!r} are {told!r}, not one and a higher one")

    def _check_interval(self) -> None:
        if not self.interval:
            return
        if set(self.interval) != set(self.muscles):
            raise CardError("interval must be told of each muscle and of nothing else")
        lengths = {len(told) for told in self.interval.values()}
        for name, told in self.interval.items():
            if not _is_interval(told) or len(lengths) > 1:
                raise CardError(
                    f"the interval of {name!r} must be by turns an effort, rising, and half a "
                    "width, as many as of other muscles"
                )

    def _check_normalisation(self) -> None:
        for what, values in (("offset", self.offset), ("scale", self.scale)):
            if len(values) not in (0, self.streams.width):
                raise CardError(
                    f"{what} has {len(values)} values where the streams have "
                    f"{self.streams.width} columns"
                )
            if not all(math.isfinite(v) and abs(v) < LARGEST_NUMBER for v in values):
                raise CardError(f"{what} holds a value that is no number to work with")
        if 0 in self.scale:
            raise CardError("scale holds a zero, by which nothing can be divided")

    @property
    def lookahead_s(self) -> float:
        """How much of the future the model waits for, in seconds."""
        return self.lookahead / self.rate_hz

    def to_metadata(self) -> dict[str, str]:
        """Strings only, as a safetensors header wants them."""
        plain = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        plain |= {"streams": self.streams.as_plain(), "version": VERSION}
        for name in ADDED:
            if not plain[name]:
                del plain[name]
        return {"kpm_card": json.dumps(plain, sort_keys=True)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str] | None) -> ModelCard:
        """Read a card back; a field that is missing or of another type is named in the error."""
        if not metadata or "kpm_card" not in metadata:
            raise CardError("the file carries no model card (metadata entry 'kpm_card')")
        try:
            raw = json.loads(metadata["kpm_card"])
        except (json.JSONDecodeError, RecursionError) as error:
            raise CardError(f"the model card is not JSON: {error}") from None
        if not isinstance(raw, dict):
            raise CardError("the model card is not a table of fields")
        version = raw.pop("version", 1)
        if version == 1:
            raw = _from_version_1(raw)
        elif version != VERSION:
            raise CardError(
                f"the model card is of version {version!r}, and this program reads 1 to {VERSION}"
            )
        for name in ADDED:
            raw.setdefault(name, {})
        values = {spec.name: _checked(spec.name, str(spec.type), raw) for spec in fields(cls)}
        Seen.from_card(values["seen"])
        return cls(**values)


_NUMBER = (int, float)
_KINDS: dict[str, Any] = {"str": str, "int": int}
_ELEMENTS: dict[str, Any] = {
    "tuple[str, ...]": str,
    "tuple[float, ...]": _NUMBER,
    "dict[str, float]": _NUMBER,
    "dict[str, list[str]]": object,
    "dict[str, list[float]]": list,
}


def _are_numbers(told: Any) -> bool:
    """Whether something is a list of numbers to work with."""
    return isinstance(told, list) and all(
        type(each) in _NUMBER and abs(each) < LARGEST_NUMBER for each in told
    )


def _is_range(told: Any) -> bool:
    """Whether something is a lowest and a highest number."""
    return _are_numbers(told) and len(told) == 2 and bool(told[0] <= told[1])


def _is_interval(told: Any) -> bool:
    """Whether something is efforts, rising, and beside each half a width."""
    if not _are_numbers(told) or not told or len(told) % 2:
        return False
    efforts, halves = told[::2], told[1::2]
    rising = all(low < high for low, high in itertools.pairwise(efforts))
    return rising and all(half >= 0 for half in halves)


def _checked(name: str, annotation: str, raw: Mapping[str, Any]) -> Any:
    """Give a field's value as its annotation wants it, or say which field is not so."""
    if name not in raw:
        raise CardError(f"the model card lacks the field {name!r}")
    value = raw[name]
    if annotation == "Streams":
        try:
            return Streams.from_plain(value, "the model card")
        except StreamError as error:
            raise CardError(str(error)) from None
    expected: type = _KINDS.get(annotation) or (tuple if annotation.startswith("tuple") else dict)
    if expected is tuple and isinstance(value, list):
        value = tuple(value)
    if not isinstance(value, expected) or isinstance(value, bool):
        raise CardError(f"the model card's {name!r} is {value!r}, not a {expected.__name__}")
    if not _holds(value, annotation):
        raise CardError(f"the model card's {name!r} holds something else than {annotation}")
    return value


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


_VERSION_1 = {
    "inputs": "tuple[str, ...]",
    "views": "tuple[str, ...]",
    "landmarks": "int",
    "first_note": "int",
    "keys": "int",
    "pose_offset": "tuple[float, ...]",
    "pose_scale": "tuple[float, ...]",
}


def _from_version_1(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Say with a list of streams what earlier cards said of one hand and a piano."""
    old = {name: _checked(name, annotation, raw) for name, annotation in _VERSION_1.items()}
    hand = find_skeleton("mediapipe-hand")
    streams: list[Stream] = []
    try:
        if POSE in old["inputs"]:
            if old["landmarks"] != len(hand):
                raise CardError(
                    f"the model card asks for {old['landmarks']} landmarks a view, but cards of "
                    f"its version are of hands with {len(hand)}"
                )
            streams += [Landmarks(view, hand) for view in old["views"]]
        if KEYS in old["inputs"]:
            streams.append(PianoKeys(first_note=old["first_note"], count=old["keys"]))
        listed = Streams(tuple(streams))
    except (StreamError, SkeletonError) as error:
        raise CardError(f"the model card: {error}") from None
    pose = listed.senses.get(POSE, slice(0, 0))
    new = {name: value for name, value in raw.items() if name not in _VERSION_1}
    new["streams"] = listed.as_plain()
    for name, filling in (("offset", 0.0), ("scale", 1.0)):
        values = old[f"pose_{name}"]
        if values and len(values) != pose.stop - pose.start:
            raise CardError(
                f"pose_{name} has {len(values)} values where the pose has "
                f"{pose.stop - pose.start} channels"
            )
        behind = listed.width - (pose.stop - pose.start)
        new[name] = [*values, *[filling] * behind] if values else []
    return {"optional": [], "seen": {}} | new
