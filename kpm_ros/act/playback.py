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

"""A movement played to a resting hand: joints' targets, within limits, no faster than stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.arming import Arming, Cause, Fault
from kpm_ros.act.muscle_weights import require_names
from kpm_ros.act.safety import Now
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.settings import CheckedSettings, ConfigurationError, nearest, setting

ANATOMICAL_JOINTS = (
    *("pro_sup_r", "deviation_r", "flexion_r"),
    *("cmc_flexion_r", "cmc_abduction_r", "mp_flexion_r", "ip_flexion_r"),
    *("mcp2_flexion_r", "mcp2_abduction_r", "pm2_flexion_r", "md2_flexion_r"),
    *("mcp3_flexion_r", "mcp3_abduction_r", "pm3_flexion_r", "md3_flexion_r"),
    *("mcp4_flexion_r", "mcp4_abduction_r", "pm4_flexion_r", "md4_flexion_r"),
    *("mcp5_flexion_r", "mcp5_abduction_r", "pm5_flexion_r", "md5_flexion_r"),
)
"""Joints of a movement's hand, in its order."""

LONGEST_STEP_S = 0.05
"""Time in which nobody looked counts for no more than this: targets never jump."""

Angles = NDArray[np.float64]


@dataclass(frozen=True)
class PlaybackRules(CheckedSettings):
    """How a movement is played, and how carefully."""

    joints: list[str] = setting(
        [
            "thumb_abduction cmc_abduction_r",
            "index_flexion mcp2_flexion_r",
            "middle_flexion mcp3_flexion_r",
            "ring_flexion mcp4_flexion_r",
            "little_flexion mcp5_flexion_r",
        ],
        "joints that the drive has, in its order, as 'joint its-joint-in-the-movement'",
    )
    least_rad: float = setting(-0.3, "no target is less", least=-3.2, most=3.2)
    most_rad: float = setting(1.4, "no target is more", least=-3.2, most=3.2)
    max_speed_rad_s: float = setting(
        1.0,
        "no target moves faster; a movement that does is played as well as it can be",
        least=0.01,
        most=100.0,
        live=True,
    )
    rest_rad: float = setting(0.2, "where every joint is when it begins", least=-3.2, most=3.2)
    pace: float = setting(0.25, "how many times as fast as it was", least=0.01, most=4.0)
    repeat: bool = setting(False, "whether it begins anew when it has ended", live=True)

    def __post_init__(self) -> None:
        """Refuse joints that the movement has not got, and limits that contradict each other."""
        super().__post_init__()
        if not self.least_rad <= self.rest_rad <= self.most_rad or self.least_rad >= self.most_rad:
            raise ConfigurationError(
                f"least_rad is {self.least_rad:g}, rest_rad {self.rest_rad:g} and most_rad "
                f"{self.most_rad:g}, but they must rise"
            )
        pairs = [entry.split() for entry in self.joints]
        for pair, entry in zip(pairs, self.joints, strict=True):
            if len(pair) != 2:
                raise ConfigurationError(
                    f"joints has {entry!r}, but each entry must be two names, such as "
                    "'index_flexion mcp2_flexion_r'"
                )
            if pair[1] not in ANATOMICAL_JOINTS:
                raise ConfigurationError(
                    f"joints has {entry!r}, but a movement has no joint {pair[1]!r}"
                    f"{nearest(pair[1], ANATOMICAL_JOINTS)}"
                )
        try:
            require_names("joints", [pair[0] for pair in pairs])
        except ValueError as error:
            raise ConfigurationError(str(error)) from None

    @property
    def names(self) -> list[str]:
        """Joints of the drive."""
        return [entry.split()[0] for entry in self.joints]

    @property
    def places(self) -> list[int]:
        """Where the movement has each of them."""
        return [ANATOMICAL_JOINTS.index(entry.split()[1]) for entry in self.joints]


def angles_of(motion: HandMotion, side: str, rules: PlaybackRules) -> Angles:
    """Take the angles (frames, joints) of one hand; a ConfigurationError says what is missing."""
    hand: OneHandMotion | None = motion.hands.get(side)
    if hand is None:
        raise ConfigurationError(
            f"the movement has no {side} hand; it has {', '.join(motion.hands)}"
        )
    if hand.joints is None:
        raise ConfigurationError(
            "the movement tells no joints' angles: give it some by the anatomical hand first"
        )
    angles = hand.joints[:, rules.places].astype(np.float64)
    if not np.isfinite(angles).all():
        missing = int((~np.isfinite(angles)).any(axis=1).sum())
        raise ConfigurationError(
            f"the movement does not tell its angles in {missing} of {len(angles)} frames"
        )
    return np.clip(angles, rules.least_rad, rules.most_rad)


class Playback:
    """Targets of a movement while it is armed; else the last ones, which stand still.

    >>> from kpm_ros.act.arming import ArmingRules
    >>> angles = np.array([[0.2], [0.4]])
    >>> rules = PlaybackRules(joints=["index mcp2_flexion_r"], pace=1.0)
    >>> play = Playback(rules, angles, 10.0, Arming(ArmingRules()))
    >>> play.target(Now(0, 0))
    [0.2]
    >>> play.arm(Now(0, 0), "the operator")
    >>> [round(play.target(Now(0, ms * 1_000_000))[0], 3) for ms in (0, 50, 100)]
    [0.2, 0.25, 0.3]
    """

    def __init__(
        self, rules: PlaybackRules, angles: Angles, rate_hz: float, arming: Arming
    ) -> None:
        """Stand at rest."""
        self.rules, self.arming = rules, arming
        self.played_s = 0.0
        """How much of the movement has been played."""
        self._angles, self._rate_hz = angles, rate_hz
        self._target = np.full(angles.shape[1], rules.rest_rad)
        self._steady_ns: int | None = None

    @property
    def ended(self) -> bool:
        """Whether all of it has been played."""
        return self.played_s * self._rate_hz >= len(self._angles) - 1

    def arm(self, now: Now, by: str, faults: Sequence[Fault] = ()) -> None:
        """Begin, from the first frame; a NotHealthyError says what is missing."""
        if not self.arming.armed:
            self.arming.arm(now, by, faults)
            self.played_s, self._steady_ns = 0.0, now.steady_ns

    def stop(self, now: Now, cause: Cause, reason: str) -> None:
        """Stand still where it is until somebody arms."""
        self.arming.disarm(now, cause, reason)

    def target(self, now: Now, faults: Sequence[Fault] = ()) -> list[float]:
        """Give where each joint should be at this instant, in radians."""
        before = now.steady_ns if self._steady_ns is None else self._steady_ns
        self._steady_ns = max(now.steady_ns, before)
        elapsed_s = min((self._steady_ns - before) / NS_PER_S, LONGEST_STEP_S)
        if not self.arming.judge(now, faults):
            return list(map(float, self._target))
        reach = self.rules.max_speed_rad_s * elapsed_s
        # The movement waits for joints that cannot follow: it is never cut short.
        if np.abs(self._wanted() - self._target).max() <= reach:
            self.played_s += elapsed_s * self.rules.pace
        self._target += np.clip(self._wanted() - self._target, -reach, reach)
        if self.ended and np.array_equal(self._wanted(), self._target):
            self._end(now)
        return list(map(float, self._target))

    def _wanted(self) -> Angles:
        """Where the movement is."""
        place = min(self.played_s * self._rate_hz, len(self._angles) - 1.0)
        first = int(place)
        last = min(first + 1, len(self._angles) - 1)
        part = place - first
        return np.asarray(self._angles[first] * (1 - part) + self._angles[last] * part)

    def _end(self, now: Now) -> None:
        if self.rules.repeat:
            self.played_s = 0.0
        else:
            self.arming.disarm(now, Cause.ENDED, "the movement has ended")
