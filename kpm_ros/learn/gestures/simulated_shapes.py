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

"""Shapes that simulated hands make before a camera: what a model is trained on before anybody is.

The anatomical hand, with bones of many lengths, in gestures as different people make them, seen
from many directions by a tracker that errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.gestures.hand_shape import HandShape
from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.gestures.executions import Execution, ExecutionSet, Recorded
from kpm_ros.motion.hand_kinematics import BONES, HandKinematics
from kpm_ros.simulate.hand import FINGER_POINTS, HAND_SKELETON, WRIST

Array = NDArray[np.float64]

RATE_HZ = 30.0
SECONDS = 1.0
"""Of an execution."""
PEOPLE, REPETITIONS = 24, 3
MIDDLE_TIP = FINGER_POINTS[2][-1]
FINGERS = (2, 3, 4, 5)
"""As the anatomical hand's joints number them; 1 is the thumb."""
BENT = {"mcp": 1.45, "pm": 1.6, "md": 1.1}
"""How far the joints of a finger that is curled wholly are bent."""
SPREAD = {2: 0.3, 3: 0.03, 4: -0.2, 5: -0.4}
"""How far fingers go sideways in a hand that is spread."""
BONE_SPREAD, JOINT_SPREAD, TREMOR = 0.06, 0.12, 0.02
"""Standard deviations: of the logarithm of a bone's length, of a joint between executions, and of
its trembling within one, in radians."""
STEADY = 0.9
"""How much of a frame's trembling is left in the next."""
TILT = 1.2
"""Farthest that the palm is turned from the picture about either axis, in radians."""
TRACKER = 0.015
"""Standard deviation of a landmark, relative to the hand's length."""


class Shape(NamedTuple):
    """One gesture: between which values each finger is curled, and how the thumb is held."""

    curl: tuple[tuple[float, float], ...]
    """Of index to little finger; 0 = straight, 1 = into the palm."""
    thumb: tuple[float, float, float, float]
    """cmc_flexion, cmc_abduction, mp_flexion and ip_flexion in radians."""
    spread: float = 0.0
    """1 = as far as fingers go sideways."""


CURLED, STRAIGHT = (0.8, 1.0), (0.0, 0.1)
TUCKED_THUMB = (-0.5, 0.1, -0.5, -0.8)
SHAPES: Mapping[str, Shape] = {
    NO_GESTURE: Shape(((0.2, 0.7),) * 4, (0.0, 0.2, -0.2, -0.3)),
    "open": Shape((STRAIGHT,) * 4, (0.2, 0.6, 0.1, 0.1), 1.0),
    "fist": Shape((CURLED,) * 4, TUCKED_THUMB),
    "point": Shape((STRAIGHT, CURLED, CURLED, CURLED), TUCKED_THUMB),
    "thumb_up": Shape((CURLED,) * 4, (0.4, 0.6, 0.2, 0.2)),
}
"""A relaxed hand, as it also lies on keys, and four gestures."""


def simulated_shapes(
    people: int = PEOPLE, repetitions: int = REPETITIONS, seed: int = 1
) -> ExecutionSet:
    """Let simulated people make every shape; another seed is other people."""
    measured = HandShape(HAND_SKELETON)
    executions: list[Execution] = []
    for number in range(people):
        draw = np.random.default_rng([seed, number, 0x5A9E])
        hand = _hand(draw)
        for repetition in range(1, repetitions + 1):
            for name, shape in SHAPES.items():
                seen = _seen(hand, _held(hand, shape, draw), draw)
                stamps_ns = _stamps(len(executions))
                signal = Recorded(stamps_ns, measured.measure(seen))
                executions.append(
                    Execution(name, repetition, {"landmarks": signal}, f"simulated {number + 1}")
                )
    return ExecutionSet(
        {"landmarks": measured.names},
        {"landmarks": RATE_HZ},
        tuple(executions),
        simulated=True,
        origin="simulated hands",
    )


def _hand(draw: np.random.Generator) -> HandKinematics:
    size = draw.normal(1.0, 0.05)
    bones = size * np.exp(draw.normal(0.0, BONE_SPREAD, len(BONES)))
    return HandKinematics(palm=size, bones=bones)


def _held(hand: HandKinematics, shape: Shape, draw: np.random.Generator) -> Array:
    """Joint angles (frames, joints) of one execution."""
    angles = dict.fromkeys((name.removesuffix("_r") for name in hand.body.joint_names), 0.0)
    for finger, (least, most) in zip(FINGERS, shape.curl, strict=True):
        for joint, bent in BENT.items():
            angles[f"{joint}{finger}_flexion"] = bent * draw.uniform(least, most)
        angles[f"mcp{finger}_abduction"] = shape.spread * draw.uniform(0.4, 1) * SPREAD[finger]
    for joint, angle in zip(
        ("cmc_flexion", "cmc_abduction", "mp_flexion", "ip_flexion"), shape.thumb, strict=True
    ):
        angles[joint] = angle
    still = np.array(list(angles.values())) + draw.normal(0, JOINT_SPREAD, len(angles))
    frames = round(SECONDS * RATE_HZ)
    moves = draw.normal(0, TREMOR, (frames, len(angles)))
    for frame in range(1, frames):
        moves[frame] = STEADY * moves[frame - 1] + np.sqrt(1 - STEADY**2) * moves[frame]
    return np.clip(still + moves, *np.asarray(hand.body.ranges).T)


def _seen(hand: HandKinematics, joints: Array, draw: np.random.Generator) -> Array:
    """Landmarks in the picture (frames, points, 2) as a tracker has them, in any unit."""
    count = len(joints)
    turn = _turn(draw.uniform(-TILT, TILT, 2))
    points = hand.move(np.zeros((count, 3)), np.tile(turn, (count, 1, 1)), joints).points
    flat = points[..., :2]
    length = np.linalg.norm(points[:, MIDDLE_TIP] - points[:, WRIST], axis=-1).max()
    return np.asarray(flat + draw.normal(0, TRACKER * length, flat.shape))


def _turn(about: Sequence[float] | Array) -> Array:
    """Turn about the first two axes, one after the other."""
    (c, d), (s, t) = np.cos(about), np.sin(about)
    first = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.asarray(np.array([[d, 0, t], [0, 1, 0], [-t, 0, d]]) @ first)


def _stamps(number: int) -> NDArray[np.int64]:
    """Executions one after another."""
    count = round(SECONDS * RATE_HZ)
    frames = number * (count + 1) + np.arange(count)
    return (frames * NS_PER_S / RATE_HZ).astype(np.int64)
