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

"""A movement opened to be played: what cameras, keys and joints say of it, from an instant on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.core.registration import Registration
from kpm_ros.motion.hand_kinematics import average_body
from kpm_ros.motion.landmark_files import read_motion
from kpm_ros.motion.played_joints import JointSample, PlayedJoints
from kpm_ros.motion.posed import posed_hand
from kpm_ros.motion.shown_motion import Pace, ShownMotion
from kpm_ros.sense.midi.score import Score, read_midi
from kpm_ros.simulate.bodies import check_anatomy
from kpm_ros.simulate.cameras import RegisteredSight, SimulatedCamera, default_cameras
from kpm_ros.simulate.drivers import Delivery
from kpm_ros.simulate.session import SimulatedSession
from kpm_ros.simulate.tracked_view import TrackerErrors

EXACT = TrackerErrors(
    jitter_px=0.0, bias_px=0.0, depth_noise=0.0, depth_scale=0.0, stamp_jitter_s=0.0
)
"""Whatever sees the movement sees where it is."""
TAIL_NS = NS_PER_S // 5
"""After the last frame, until whoever looks has been told of it."""


class PlayedMotion:
    """One movement, with the cameras that see it."""

    def __init__(
        self,
        motion: HandMotion,
        score: Score,
        cameras: list[SimulatedCamera],
        pace: Pace,
        joint_rate_hz: float,
    ) -> None:
        """Take a movement whose landmarks and joints are known, in the keyboard's frame."""
        self._motion, self._cameras = motion, cameras
        self._pace, self._joint_rate_hz = pace, joint_rate_hz
        self._shown = ShownMotion(motion, score, pace)
        self.simulated = motion.simulated
        self.sides = tuple(motion.hands)
        self.views = tuple(camera.name for camera in cameras)
        kind = "SIMULATED" if motion.simulated else "recorded"
        self.words = f"{motion.title or 'a movement'} ({kind}), {' and '.join(self.sides)} hand"

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        midi: str = "",
        midi_offset_s: float = 0.0,
        registration: str = "",
        start_s: float = 0.0,
        rate: float = 1.0,
        loop: bool = False,
        joint_rate_hz: float = 100.0,
        check: Callable[[], None] = lambda: None,
    ) -> PlayedMotion:
        """Read a movement, and find the joints' angles where it lacks them; `check` may stop it."""
        motion = read_motion(path)
        if not 0 <= start_s < motion.duration_s:
            raise MotionError(
                f"start_s is {start_s:g}, but {path} is {motion.duration_s:.1f} s long"
            )
        score = read_midi(midi).later(midi_offset_s) if midi else Score(())
        check_anatomy()
        hands = {}
        for side in motion.hands:
            check()
            hands[side] = posed_hand(motion, side).hand
        return cls(
            replace(motion, hands=hands),
            score,
            _cameras(registration),
            Pace(motion.start_s + start_s, motion.start_s + motion.duration_s, rate, loop),
            joint_rate_hz,
        )

    def begin(self, start_ns: int) -> None:
        """Begin at an instant of the host's clock."""
        self._start_ns = start_ns
        self._session = SimulatedSession(
            self._shown, self._cameras, start_ns, emg=False, key_motion=False, errors=EXACT
        )
        names = average_body().joint_names
        self._joints = PlayedJoints(self._motion, names, self._pace, self._joint_rate_hz, start_ns)

    def deliveries(self, now_ns: int) -> list[Delivery]:
        """What cameras and keys have delivered since the last call."""
        return self._session.advance(now_ns)

    def joints(self, now_ns: int) -> list[JointSample]:
        """How joints stood since the last call."""
        return self._joints.until(now_ns)

    def over(self, now_ns: int) -> bool:
        """Whether all of it was played."""
        end_ns = self._start_ns + round(self._pace.period_s * NS_PER_S)
        return not self._pace.loop and now_ns > end_ns + TAIL_NS


def _cameras(registration: str) -> list[SimulatedCamera]:
    if not registration:
        return list(default_cameras())
    known = Registration.read(Path(registration).expanduser())
    return [RegisteredSight.of(view, one.camera) for view, one in known.cameras.items()]
