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

"""What BodyNet is made of: points, frames, features, widths, and the tensors of a card's model.

Nothing here computes; the torch network, the streaming evaluation and the files all read it.
"""

from __future__ import annotations

from typing import NamedTuple

from kpm_ros.core.sides import pairs
from kpm_ros.core.skeletons import Skeleton, SkeletonError
from kpm_ros.core.streams import METRIC, Landmarks
from kpm_ros.models.bodynet.posture_shapes import FEATURES
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.framed.shapes import BlockStructure, block_shapes

FRAME_HZ = 30.0
"""About how often the network runs: as often as cameras see a body."""
LONGEST_LOOKAHEAD_S = 0.5
"""How much of the future a model may wait for at most."""
SPEED_S, ACCELERATION_S = 0.13, 0.2
"""About over how long speeds and accelerations are taken."""
VIEWS = 2
"""A body is seen twice: as it is, and in a mirror."""
LIMIT = 8.0
"""Normalised features are cut off at this size, whatever a tracker does."""

STRUCTURES = {
    "bodynet": BlockStructure(width=128),
    "bodynet-light": BlockStructure(width=32, kernel=3, dilations=(1, 2)),
}
"""By what cards call them."""

_LIMBS = {"arm": 3, "leg": 3, "foot": 2}
"""Roles of a skeleton's left limbs, from the trunk outwards, and how many points each has."""


def body_of(card: ModelCard) -> tuple[tuple[int, ...], ...]:
    """Find the points of the left side, of the right one and of the head in the card's stream.

    Each is given by the places of the points that it is the middle of; other streams are refused.
    """
    streams = card.streams
    if len(streams) != 1 or not isinstance(streams[0], Landmarks):
        given = ", ".join(streams.names) or "nothing"
        raise CardError(f"{card.architecture} takes one view of a body, not {given}")
    view: Landmarks = streams[0]
    if view.coordinates != METRIC or view.dimensions != 3:
        raise CardError(
            f"{card.architecture} takes a body's points in metres and in 3 dimensions, not "
            f"{view.name!r} in {view.coordinates!r} coordinates and {view.dimensions} dimensions"
        )
    try:
        return _points_of(view.skeleton)
    except SkeletonError as error:
        raise CardError(f"{card.architecture} needs a body's limbs, but {error}") from None


def _points_of(skeleton: Skeleton) -> tuple[tuple[int, ...], ...]:
    left: list[int] = []
    for limb, count in _LIMBS.items():
        found = skeleton.role(f"left_{limb}")
        if len(found) != count:
            raise SkeletonError(
                f"the skeleton {skeleton.name!r} has {len(found)} points as its left_{limb}, not "
                f"{count}"
            )
        left += found
    mirrored = skeleton.mirrored()
    right = [mirrored[place] for place in left]
    alone = next((place for place in left if mirrored[place] == place), None)
    if alone is not None:
        raise SkeletonError(
            f"the skeleton {skeleton.name!r} has no mirror for {skeleton.points[alone]!r}"
        )
    return (*((place,) for place in (*left, *right)), skeleton.role("head"))


def stride_of(card: ModelCard) -> int:
    """Grid samples a frame: the network runs once for so many."""
    return max(1, round(card.rate_hz / FRAME_HZ))


def structure_of(card: ModelCard) -> BlockStructure:
    """Look up the width and convolutions of the card's model."""
    return STRUCTURES[card.architecture]


def motion_frames(card: ModelCard) -> tuple[int, int]:
    """Count the frames, the present one too, that speed and acceleration are told from."""
    frame_s = stride_of(card) / card.rate_hz
    speed, acceleration = (
        max(3, 2 * round(time_s / frame_s / 2) + 1) for time_s in (SPEED_S, ACCELERATION_S)
    )
    return speed, acceleration


class MuscleSources(NamedTuple):
    """Where each muscle's effort is among the outputs of the network."""

    views: tuple[int, ...]
    """0: of the body as it is; 1: of its mirror image, for the right one of a pair."""
    outputs: tuple[int, ...]

    @property
    def width(self) -> int:
        """How many outputs a side has."""
        return max(self.outputs) + 1


def muscle_sources(card: ModelCard) -> MuscleSources:
    """Let the right muscle of a pair be the left one of a mirrored body; others stand alone."""
    right = {second: first for first, second in pairs(card.muscles)}
    own = [muscle for muscle in range(len(card.muscles)) if muscle not in right]
    output = {muscle: number for number, muscle in enumerate(own)}
    muscles = range(len(card.muscles))
    return MuscleSources(
        tuple(int(muscle in right) for muscle in muscles),
        tuple(output[right.get(muscle, muscle)] for muscle in muscles),
    )


def features_of(card: ModelCard) -> int:
    """Count the features of a frame: what describes the body, and how old its points are."""
    (view,) = card.streams.landmarks
    return FEATURES + len(view.measures)


def tensor_shapes(card: ModelCard) -> dict[str, tuple[int, ...]]:
    """List the shape of every tensor of the card's model by its name in our files."""
    structure, features = structure_of(card), features_of(card)
    width, outputs = structure.width, stride_of(card) * muscle_sources(card).width
    return {
        "features.offset": (features,),
        "features.gain": (features,),
        "inlet.weight": (width, features + 1),
        "inlet.bias": (width,),
        **block_shapes(structure),
        "outlet.weight": (outputs, width),
        "outlet.bias": (outputs,),
    }
