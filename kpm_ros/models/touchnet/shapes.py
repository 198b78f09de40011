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

"""What TouchNet is made of: frames, features, widths, and the tensors that follow from a card.

Nothing here computes; the torch network, the streaming evaluation and the files all read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import BLACK_HEIGHT_M, WHITE_WIDTH_M, centre_m, is_black
from kpm_ros.core.skeletons import SkeletonError
from kpm_ros.core.streams import KEYBOARD, Landmarks, PianoKeys
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.framed.shapes import BlockStructure, block_shapes

STRIDE = 8
"""Grid samples a frame: the network runs once for so many, and gives so many outputs at once."""
LONGEST_LOOKAHEAD = 128
"""Samples of the future that a model may wait for at most."""

ASPECT = 0.5625
"""Height of a picture over its width, as far as the size of a palm in it is concerned."""
SMALL = 1e-6
"""Added where something might be divided by zero."""
LIMIT = 8.0
"""Normalised features are cut off at this size, whatever a tracker does."""

OFFSETS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Places around a fingertip at which the keys are looked at, in white keys."""
HEIGHTS = 3
"""Of each fingertip in the keyboard's frame: how far along the key and how high it is, and how high
over the key beneath it."""
BLACK_SOFT_M = 0.01
"""Way over which a fingertip comes to be above the black keys' fronts, or behind them."""
BENEATH = 1.8
"""A key is beneath a fingertip that is nearer to its middle than a white key's width by this."""
SMALLEST_SPREAD_M = 1e-4
"""Points are never known better."""
CHORD = 6
"""White keys to each side of the sounding keys' centre in the picture of them."""

WHITE_STEPS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5)
"""Middle of each key of an octave, in white keys from the octave's left edge."""
WHITES, SEMITONES = 7, 12
"""White keys of an octave, and all its keys."""


STRUCTURES = {
    "touchnet": BlockStructure(),
    "touchnet-light": BlockStructure(width=32, kernel=3, dilations=(1, 2)),
}
"""By what cards call them."""


@dataclass(frozen=True, slots=True)
class View:
    """One camera view of the hand: where its points are among the columns of the pose."""

    points: int
    dimensions: int
    start: int
    """Column of the first point's x."""
    palm: tuple[int, ...]
    """Places of what of a hand moves as one."""
    tips: tuple[int, ...]
    """Places of the fingertips; empty where there are no keys for them to touch."""
    measures: int
    """Columns behind the points: their age, and of those in the keyboard's frame their spread."""
    in_space: bool
    """Whether the points are metres in the keyboard's frame, and not places in a picture."""

    @property
    def end(self) -> int:
        """Column behind the last point's."""
        return self.start + self.points * self.dimensions

    @property
    def width(self) -> int:
        """Columns of its points, and of what is said of them all."""
        return self.points * self.dimensions + self.measures

    @property
    def aspect(self) -> float:
        """How much of y is as long as x is."""
        return 1.0 if self.in_space else ASPECT

    @property
    def features(self) -> int:
        """Features of its points in the palm's frame, and of the palm: its middle and size.

        And what is said of them all.
        """
        return self.width + self.dimensions + 1


@dataclass(frozen=True, slots=True)
class TouchInputs:
    """What of a row TouchNet takes: views of one hand, a piano, or both."""

    pose_sense: str
    """Empty where there are no views."""
    pose: slice
    views: tuple[View, ...]
    keys_sense: str
    """Empty where there are no keys."""
    keys: slice
    first_note: int

    @property
    def senses(self) -> tuple[str, ...]:
        """Name the senses: the hand's, then the keys'."""
        return tuple(sense for sense in (self.pose_sense, self.keys_sense) if sense)

    @property
    def touches(self) -> bool:
        """Whether there are both fingertips and keys."""
        return bool(self.pose_sense and self.keys_sense)

    @property
    def tips(self) -> int:
        """How many fingertips there are."""
        return len(self.views[0].tips) if self.views else 0

    @property
    def in_space(self) -> bool:
        """Whether the hand is told in the keyboard's frame: where fingertips are needs no fit."""
        return any(view.in_space for view in self.views)

    @property
    def places(self) -> int:
        """Numbers that say where on the keyboard a fingertip in the pictures is."""
        return sum(view.dimensions for view in self.views) + 1

    @property
    def touch_now(self) -> int:
        """Features of the keys around each fingertip as they are, and of how high it is."""
        return self.tips * (len(OFFSETS) + HEIGHTS * self.in_space) if self.touches else 0

    @property
    def key_places(self) -> NDArray[np.float32]:
        """Middle of each key, in white keys."""
        count = self.keys.stop - self.keys.start
        if not self.in_space:
            return key_places(self.first_note, count)
        notes = range(self.first_note, self.first_note + count)
        return np.array([centre_m(note) / WHITE_WIDTH_M for note in notes], np.float32)

    @property
    def key_tops(self) -> NDArray[np.float32]:
        """How high each key's top is at rest, in metres."""
        notes = range(self.first_note, self.first_note + self.keys.stop - self.keys.start)
        return np.array([BLACK_HEIGHT_M * is_black(note) for note in notes], np.float32)

    @property
    def place_in_space(self) -> NDArray[np.float32]:
        """What turns metres into white keys along the keyboard."""
        return np.array([1 / WHITE_WIDTH_M, 0.0, 0.0, 0.0], np.float32)


def inputs_of(card: ModelCard) -> TouchInputs:
    """Find the hand's views and the keys among a card's streams; refuse all else."""
    streams, known = card.streams, (Landmarks, PianoKeys)
    odd = next((stream for stream in streams if not isinstance(stream, known)), None)
    hands = list(dict.fromkeys(view.sense for view in streams.landmarks))
    if odd or len(hands) > 1 or not streams:
        words = f"not {odd.name!r}" if odd else f"not {', '.join(hands) or 'nothing'}"
        raise CardError(
            f"{card.architecture} takes views of one hand, a piano's keys, or both, {words}"
        )
    piano = streams.keys
    views: list[View] = []
    for stream in streams.landmarks:
        skeleton = stream.skeleton
        try:
            palm = skeleton.role("palm")
            tips = skeleton.role("tips") if piano else ()
        except SkeletonError as error:
            raise CardError(
                f"{card.architecture} sees hands from their own palm and fingertips, but {error}"
            ) from None
        start = views[-1].start + views[-1].width if views else 0
        in_space, measures = stream.coordinates == KEYBOARD, len(stream.measures)
        views.append(View(len(skeleton), stream.dimensions, start, palm, tips, measures, in_space))
        if len(streams.landmarks) > 1 and any(view.in_space for view in views):
            raise CardError(
                f"{card.architecture} takes one hand in the keyboard's frame or views of it, but "
                f"{stream.name} is one of {len(streams.landmarks)}"
            )
        if len(tips) != len(views[0].tips):
            raise CardError(
                f"{card.architecture} follows each fingertip through all views, but "
                f"{streams.landmarks[0].name} has {len(views[0].tips)} and {stream.name} "
                f"{len(tips)}"
            )
    nothing = slice(0, 0)
    if piano and hands and piano.sense == hands[0]:
        raise CardError(f"{card.architecture} wants the hand and the keys as two senses, not one")
    return TouchInputs(
        pose_sense=hands[0] if hands else "",
        pose=streams.senses[hands[0]] if hands else nothing,
        views=tuple(views),
        keys_sense=piano.sense if piano else "",
        keys=streams.columns[piano.name] if piano else nothing,
        first_note=piano.first_note if piano else 0,
    )


def structure_of(card: ModelCard) -> BlockStructure:
    """Look up the width and convolutions of the card's model."""
    return STRUCTURES[card.architecture]


@dataclass(frozen=True, slots=True)
class FeatureSpan:
    """Where the parts of a frame's features lie."""

    hand: slice
    """Landmarks in the palm's frame, and the palm, of every view; then how each has changed."""
    touch: slice
    """Depth of the keys around each fingertip, perhaps how high it is, and those keys' speed."""
    keys: slice
    """The sounding keys by themselves."""
    absent: slice
    """1 where a sense is missing: first the hand, then the keys."""

    @property
    def width(self) -> int:
        """Of all features together."""
        return int(self.absent.stop)


def feature_span(card: ModelCard) -> FeatureSpan:
    """Lay out the features that a card's streams give."""
    given = inputs_of(card)
    sizes = (
        2 * sum(view.features for view in given.views),
        given.touch_now + given.tips * len(OFFSETS) if given.touches else 0,
        2 * (2 * CHORD + 1) + 2 if given.keys_sense else 0,
        len(given.senses),
    )
    ends = np.cumsum((0, *sizes)).tolist()
    return FeatureSpan(*(slice(ends[i], ends[i + 1]) for i in range(len(sizes))))


def key_places(first_note: int, count: int) -> NDArray[np.float32]:
    """Middle of each key, in white keys from the C below MIDI note 0's octave on."""
    places = [
        WHITES * (note // SEMITONES) + WHITE_STEPS[note % SEMITONES]
        for note in range(first_note, first_note + count)
    ]
    return np.array(places, np.float32)


def tensor_shapes(card: ModelCard) -> dict[str, tuple[int, ...]]:
    """List the shape of every tensor of the card's model by its name in our files."""
    structure, given, span = structure_of(card), inputs_of(card), feature_span(card)
    width = structure.width
    measured = span.absent.start
    table: dict[str, tuple[int, ...]] = {
        "features.offset": (measured,),
        "features.gain": (measured,),
    }
    if given.touches and not given.in_space:
        table["features.place"] = (given.places,)
    table |= {"inlet.weight": (width, span.width), "inlet.bias": (width,)}
    table |= block_shapes(structure)
    outputs = STRIDE * len(card.muscles)
    return table | {"outlet.weight": (outputs, width), "outlet.bias": (outputs,)}
