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

"""The player: what the senses said in a bag, once more, with the bag's time on /clock.

It sends what `ros2 bag play --clock` does, for machines without it: messages at their times of
receipt, and a clock that moves in steps. It is no part of the graph; `kpm play` runs it.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float64
from std_srvs.srv import SetBool, Trigger

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import ConfigurationError, check_number, declared
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Report
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.nodes.topic_types import message_type
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.playback import MessageQueue, PlaybackClock, open_senses

SETTLE_NS = NS_PER_S // 10
"""How long the clock stands still once it was set, so that every node has heard of it, and after
the last message, so that it is not overtaken by the player's end."""


class PlayerNode(PipelineNode):
    """Plays a bag's senses into its own namespace, under the pipeline's own names."""

    name = "player"
    settings_type = PlayerSettings
    settings: PlayerSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Open the bag; what cannot be played is refused."""
        super().__init__(**node_arguments)
        if self.simulated_time:
            raise ConfigurationError("player: use_sim_time is true, but its time makes the others'")
        try:
            self._open()
        except BagError as error:
            raise ConfigurationError(f"player: {error}") from None
        self._orders: deque[Callable[[], None]] = deque()
        self._wait_until_ns = time.monotonic_ns() + round(self.settings.wait_s * NS_PER_S)
        self._heard = 0
        self._heard_since_ns = 0
        self._tick_ns = round(NS_PER_S / self.settings.clock_hz)
        self._next_tick_ns = 0
        self._ended_ns: int | None = None
        self._playing = False
        self._sent = 0
        self._passes = 1
        self._time_output = self.create_publisher(Clock, "/clock", QoSProfile(depth=1))
        self.create_service(SetBool, "~/pause", self._on_pause)
        self.create_service(Trigger, "~/toggle_paused", self._on_toggle_paused)
        self.create_subscription(Float64, "~/rate", self._on_rate, 10)
        self.create_subscription(Float64, "~/seek", self._on_seek, 10)
        self.add_loop(self.settings.period_s, self.step)

    def step(self) -> None:
        """Send what is due, then the time."""
        steady_ns = time.monotonic_ns()
        if not self._playing and self._may_begin(steady_ns):
            self._begin(steady_ns)
        while self._playing and self._orders:
            self._orders.popleft()()
        now_ns = self._playback.at(steady_ns)
        step_ns = round(self._tick_ns * self._playback.rate)
        while self._playing and now_ns - self._told_ns > 1.5 * step_ns:
            # It was held up: for whoever listens, time does not leap for that.
            self._send(self._told_ns + step_ns)
            self._tell(self._told_ns + step_ns)
        self._send(now_ns)
        if steady_ns >= self._next_tick_ns:
            # Everything until this instant has been sent: who hears the time has heard the rest.
            self._tell(now_ns)
            self._next_tick_ns = max(self._next_tick_ns + self._tick_ns, steady_ns)
        if now_ns == self._playback.end_ns:
            self._end(steady_ns)
        else:
            self._ended_ns = None

    def report(self) -> Report:
        """Where in the bag it is, and what was sent."""
        report = super().report()
        now_ns = self._playback.at(time.monotonic_ns())
        report.values |= {
            "position_s": (now_ns - self._playback.start_ns) / NS_PER_S,
            "length_s": (self._playback.end_ns - self._playback.start_ns) / NS_PER_S,
            "rate": self._playback.rate,
            "begun": self._playing,
            "paused": not self._playback.running,
            "sent": self._sent,
            "passes": self._passes,
        }
        return report

    def stop(self) -> None:
        """Close the bag, too."""
        super().stop()
        self._bag.close()

    def _open(self) -> None:
        """Find what the bag's topics are to the pipeline, and offer to play them."""
        settings = self.settings
        if not settings.bag:
            raise ConfigurationError("player: bag is empty, but must name a bag's folder or file")
        self._bag, senses = open_senses(
            Path(settings.bag).expanduser(),
            settings.start_s,
            settings.bag_namespace,
            settings.bag_topics,
        )
        self._outputs = {topic: self._offer(name) for name, topic in senses.items()}
        self._queue = MessageQueue(self._bag, tuple(self._outputs))
        start_ns, end_ns = self._bag.span_ns or (0, 0)
        self._playback = PlaybackClock(start_ns, end_ns, settings.rate)
        self._jump(start_ns + round(settings.start_s * NS_PER_S), 0)

    def _offer(self, name: str) -> Any:
        return self.create_publisher(message_type(name), name, qos.of(name))

    def _may_begin(self, steady_ns: int) -> bool:
        """Whether a whole pipeline listens, or has been waited for long enough."""
        heard = sum(output.get_subscription_count() > 0 for output in self._outputs.values())
        if heard != self._heard:
            self._heard, self._heard_since_ns = heard, steady_ns
        # Which topics it wants is its own affair: that no more are added is taken for all of them.
        settled = heard > 0 and steady_ns > self._heard_since_ns + SETTLE_NS
        return (settled and self.count_publishers("effort/info") > 0) or (
            steady_ns >= self._wait_until_ns
        )

    def _begin(self, steady_ns: int) -> None:
        self._playing = True
        self.get_logger().info(
            f"playing {self.settings.bag} at {self._playback.rate:g} x real time"
        )
        if not self.settings.paused:
            self._playback.run(steady_ns + SETTLE_NS)

    def _send(self, until_ns: int) -> None:
        """Send what the bag received until this instant of it."""
        for message in self._queue.take(until_ns) if self._playing else ():
            self._outputs[message.topic].publish(message.data)
            self._sent += 1

    def _tell(self, now_ns: int) -> None:
        self._told_ns = now_ns
        self._time_output.publish(Clock(clock=outgoing.time_message(now_ns)))

    def _jump(self, instant_ns: int, steady_ns: int) -> None:
        """Go on at another place, once everybody has heard what time it is there."""
        self._queue.seek(instant_ns)
        self._playback.seek(instant_ns, steady_ns + SETTLE_NS)
        self._told_ns = instant_ns
        self._next_tick_ns = 0

    def _end(self, steady_ns: int) -> None:
        """Begin again, or end once what was sent has had time to be heard."""
        self._ended_ns = self._ended_ns or steady_ns
        if not self._playback.running or steady_ns < self._ended_ns + SETTLE_NS or self.finished:
            return
        if self.settings.loop:
            self._passes += 1
            self._jump(self._playback.start_ns, steady_ns)
        else:
            self.get_logger().info(f"the bag is at its end; {self._sent} messages were sent")
            self.finish()

    def _order(self, act: Callable[[int], None]) -> None:
        """Have something done by the thread that plays."""
        self._orders.append(lambda: act(time.monotonic_ns()))

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        self._order(self._playback.pause if request.data else self._playback.run)
        response.success, response.message = True, "paused" if request.data else "playing"
        return response

    def _on_toggle_paused(self, _: Trigger.Request, response: Trigger.Response) -> Any:
        running = self._playback.running
        self._order(self._playback.pause if running else self._playback.run)
        response.success, response.message = True, "paused" if running else "playing"
        return response

    def _on_rate(self, message: Float64) -> None:
        try:
            rate = declared(PlayerSettings)["rate"].checked("rate", message.data)
        except ConfigurationError as error:
            self.refuse(str(error))
        else:
            self._order(lambda steady_ns: self._playback.set_rate(rate, steady_ns))

    def _on_seek(self, message: Float64) -> None:
        length_s = (self._playback.end_ns - self._playback.start_ns) / NS_PER_S
        try:
            seek_s = check_number("seek", message.data, least=0, most=length_s)
        except ConfigurationError as error:
            self.refuse(str(error))
        else:
            instant_ns = self._playback.start_ns + round(seek_s * NS_PER_S)
            self._order(lambda steady_ns: self._jump(instant_ns, steady_ns))


def main() -> None:
    """Run the node."""
    sys.exit(run(PlayerNode))


if __name__ == "__main__":
    main()
