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

"""What the anatomical hand's muscles do in a movement, and where the model cannot hold it.

Activations are a model's, by static optimisation, never measured: SIMULATED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from kpm_ros.core.hand_motion import HandMotion, MotionError, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.core.sides import LEFT
from kpm_ros.simulate.anatomy.body import PLACE, Body
from kpm_ros.simulate.anatomy.statics import CUTOFF_HZ, AnatomicalMuscles
from kpm_ros.simulate.hand import FINGERS
from kpm_ros.simulate.person import Person

Array = NDArray[np.float64]

SHORTEST_S = 0.2
"""What is seen for less is left out: its speed cannot be told."""
AT_ONCE_S = 20.0
"""Longest stretch between two reports of progress, and with what overlaps bound in memory."""
_OVERLAP_S = 0.5
"""What is worked out of a stretch before and after it, so that its ends are like its middle."""


@dataclass(frozen=True)
class MuscleUse:
    """What one hand's muscles do in n frames; not numbers where the hand is not known."""

    muscles: tuple[str, ...]
    """Names in the model, of a right hand; a left hand is worked out as its mirror image."""
    activation: Array
    """(n, muscles), in 0..1"""
    joints: tuple[str, ...]
    """That muscles answer for."""
    torque: Array
    """(n, joints): what was asked for, in newton metres."""
    residual: Array
    """(n, joints): what the muscles left over of it."""
    pose_error_m: Array
    """(n,): how far the model's landmarks are from the given ones, root mean square."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """In which frames something is known: (n,)."""
        return np.isfinite(self.activation[:, 0])

    @property
    def residual_share(self) -> Array:
        """Residual torque as a share of all torque, of each frame: (n,)."""
        asked = np.abs(self.torque).sum(axis=1)
        return np.asarray(np.abs(self.residual).sum(axis=1) / np.maximum(asked, 1e-9))


def muscle_use(
    motion: HandMotion,
    side: str,
    muscles: AnatomicalMuscles,
    force: Array,
    pose_error_m: Array | None = None,
    cutoff_hz: float = CUTOFF_HZ,
    progress: Callable[[int], None] = lambda frames: None,
) -> MuscleUse:
    """Work out what one hand's muscles do; its joints' angles must be known.

    `force` (n, fingers) is what keys push back, in newtons; `progress` is told how many frames more
    are done.
    """
    hand = motion.hands[side]
    posture, known = _postures(hand, side)
    turn = _turns(hand)
    count = len(motion)
    found = {
        "activation": np.full((count, len(muscles.muscle_names)), np.nan),
        "torque": np.full((count, len(muscles.joint_names)), np.nan),
        "residual": np.full((count, len(muscles.joint_names)), np.nan),
    }
    done = 0
    for part, around in _stretches(known, motion.rate_hz):
        within = slice(part.start - around.start, part.stop - around.start)
        made = muscles.of_stretch(
            posture[around],
            force[around],
            motion.rate_hz,
            None if turn is None else turn[around],
            cutoff_hz,
        )
        for name, values in found.items():
            values[part] = getattr(made, name)[within]
        progress(part.stop - done)
        done = part.stop
    progress(count - done)
    return MuscleUse(
        muscles=muscles.muscle_names,
        joints=muscles.joint_names,
        pose_error_m=np.full(count, np.nan) if pose_error_m is None else pose_error_m,
        **found,
    )


def muscles_of_person(person: Person) -> AnatomicalMuscles:
    """Make the muscles of somebody's hand."""
    return AnatomicalMuscles(person, Body(person))


def no_forces(motion: HandMotion) -> Mapping[str, Array]:
    """Forces of hands that press nothing, of each hand: (n, fingers)."""
    return {side: np.zeros((len(motion), FINGERS)) for side in motion.hands}


def _postures(hand: OneHandMotion, side: str) -> tuple[Array, NDArray[np.bool_]]:
    """Postures (n, 26) of a right hand, and in which frames they are known."""
    if hand.joints is None:
        raise MotionError(f"of the {side} hand no joint angles are known")
    joints = hand.joints.astype(np.float64)
    place = np.zeros((len(joints), PLACE)) if hand.place is None else hand.place.astype(np.float64)
    if side == LEFT:
        place = mirrored(place)
    posture = np.concatenate([place, joints], axis=1)
    return posture, hand.visible & np.isfinite(posture).all(axis=1)


def _turns(hand: OneHandMotion) -> Array | None:
    """How the forearm is turned: (n, 3, 3); None where it is not."""
    if hand.forearm is None:
        return None
    turns = np.nan_to_num(hand.forearm.astype(np.float64))
    return np.asarray(Rotation.from_rotvec(turns).as_matrix())


def _stretches(known: NDArray[np.bool_], rate_hz: float) -> Iterator[tuple[slice, slice]]:
    """Cut what is known into parts, each with as much around it as is known and helps."""
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    longest, overlap = max(1, round(AT_ONCE_S * rate_hz)), round(_OVERLAP_S * rate_hz)
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - begin < max(4, SHORTEST_S * rate_hz):
            continue
        for start in range(begin, end, longest):
            stop = min(start + longest, end)
            yield slice(start, stop), slice(max(begin, start - overlap), min(end, stop + overlap))
