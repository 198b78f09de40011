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

"""Arming as others see it: as a message, in the log, and as a trace at the end of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from kpm_ros.act.arming import ARMED, TRACE, Arming, Fault, Turn
from kpm_ros.act.safety import Now
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.msg import AssistState
from kpm_ros.nodes import outgoing, qos

HEARTBEAT_S = 1.0


class ArmingOutput:
    """Says what has changed, once, and how it is, once a second."""

    def __init__(self, node: Any, topic: str) -> None:
        """Publish by this node."""
        self._node = node
        self._output = node.create_publisher(AssistState, topic, qos.of(topic))
        self._said: tuple[str, str] | None = None
        self._since_ns = self._sent_ns = 0
        self._logged: Turn | None = None

    def tell(
        self,
        arming: Arming,
        state: str,
        reason: str,
        missing: Callable[[], Sequence[Fault]],
        now: Now,
    ) -> None:
        """Send the state if it is news, and log when it was armed or disarmed.

        `missing`: lists what is still wanting before it can be armed.
        """
        self._log(arming)
        cause = arming.cause.value if arming.cause else ""
        news = (state, cause) != self._said
        if not news and now.steady_ns - self._sent_ns < HEARTBEAT_S * NS_PER_S:
            return
        if news:
            self._said, self._since_ns = (state, cause), now.clock_ns
        self._sent_ns = now.steady_ns
        message = AssistState(
            armed=arming.armed,
            state=state,
            cause=cause,
            reason=reason,
            armed_by=arming.armed_by,
            missing=[] if arming.armed else [fault.reason for fault in missing()],
            disarmed=arming.disarmed,
        )
        message.header.stamp = outgoing.time_message(now.clock_ns)
        message.since = outgoing.time_message(self._since_ns)
        self._output.publish(message)

    def tell_trace(self, arming: Arming) -> None:
        """Log when it was armed, held up and disarmed, and by what, for who reads a log's end."""
        for turn in arming.trace:
            seconds, ns = divmod(turn.clock_ns, NS_PER_S)
            at = time.strftime("%H:%M:%S", time.localtime(seconds))
            self._node.get_logger().info(f"{TRACE}{at}.{ns // 1_000_000:03d} {turn}")

    def _log(self, arming: Arming) -> None:
        newest = arming.turns[-1] if arming.turns else None
        if newest is None or newest is self._logged:
            return
        self._logged = newest
        if newest.what == ARMED:
            self._node.get_logger().info(str(newest))
        else:
            self._node.get_logger().warning(str(newest))
