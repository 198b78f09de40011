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

"""The playback node: a movement, played to a resting hand. Disarmed until armed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Duration
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from kpm_ros.act.arming import Cause
from kpm_ros.act.playback import Playback, angles_of
from kpm_ros.act.safety import Now
from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.armed import ArmedNode
from kpm_ros.nodes.diagnostics import Report
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.playback_settings import PlaybackSettings


class PlaybackNode(ArmedNode):
    """Sends targets at a steady rate while it is armed, and none otherwise."""

    name = "playback"
    what = "playback"
    settings_type = PlaybackSettings
    settings: PlaybackSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Offer `~/enable` and `~/stop`."""
        super().__init__("playback/state", **node_arguments)
        self._output = self.create_publisher(
            JointTrajectory, "playback/targets", qos.of("playback/targets")
        )
        self.prepare()

    def make(self) -> None:
        """Read the movement, and stand still."""
        super().make()
        settings = self.settings
        if not settings.file:
            raise ConfigurationError(
                f"{self.get_name()}: file is empty: name a movement of hands (.npz)"
            )
        try:
            motion = HandMotion.load(Path(settings.file).expanduser())
            angles = angles_of(motion, settings.side, settings.playback)
        except (MotionError, ConfigurationError) as error:
            raise ConfigurationError(f"{self.get_name()}: {settings.file}: {error}") from None
        self._playback = Playback(settings.playback, angles, motion.rate_hz, self.arming)
        self._message = JointTrajectory(joint_names=settings.playback.names)
        period_ns = round(1e9 / settings.rate_hz)
        # A drive interpolates to the target until the next one is due, and goes no further.
        reached = Duration(nanosec=period_ns)
        self._message.points = [JointTrajectoryPoint(time_from_start=reached)]

    def configure(self) -> None:
        """Begin to look at the switch; no target leaves the node yet."""
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def deactivate(self) -> None:
        """Stand still."""
        with self.lock:
            self.halt(self.now(), Cause.DEACTIVATED, f"the node is {self.state}")
        self.state_output.tell_trace(self.arming)
        self.tell_whether_enabled()

    def step(self) -> None:
        """Send the target for this instant, while it may be."""
        with self.lock:
            now = self.now()
            faults = self.switch_faults(now)
            was_armed = self.arming.armed
            target = self._playback.target(now, faults)
            if was_armed:
                self._send(target, now)
            moves = self.arming.armed and not faults
            state = "active" if moves else "withheld" if self.arming.armed else "disarmed"
            self.state_output.tell(self.arming, state, self.arming.reason, lambda: faults, now)
        self.notice_a_change()

    def arm(self, now: Now, by: str) -> None:
        """Begin the movement, from its first frame."""
        self._playback.arm(now, by, self.switch_faults(now))

    def halt(self, now: Now, cause: Cause, reason: str) -> None:
        """Stand still where it is."""
        self._playback.stop(now, cause, reason)

    def reconfigure(self, settings: PlaybackSettings) -> None:
        """Arm, disarm, or play faster or slower."""
        if self.state == "unconfigured":
            return
        with self.lock:
            try:
                self.switch_to(settings)
            except ValueError as error:
                raise ConfigurationError(f"{self.get_name()}: {error}") from None
            self._playback.rules = settings.playback

    def _send(self, target: list[float], now: Now) -> None:
        self._message.header.stamp = outgoing.time_message(now.clock_ns)
        self._message.points[0].positions = target
        self._output.publish(self._message)

    def report(self) -> Report:
        """How far the movement has come."""
        report = super().report()
        report.values |= {
            "played_s": round(self._playback.played_s, 3),
            "state": "armed" if self.arming.armed else "disarmed",
            "reason": self.arming.reason,
        }
        return report


def main() -> None:
    """Run the node."""
    sys.exit(run(PlaybackNode))


if __name__ == "__main__":
    main()
