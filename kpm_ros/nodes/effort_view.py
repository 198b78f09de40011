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

"""Effort for plotters: 100 samples a second as named numbers, in a message that they all know.

It is a JointState because PlotJuggler names its curves after `name`, and rqt and Foxglove draw its
arrays; of a Float64MultiArray none of them would know which muscle is which. `position` stays
empty, so that nothing that moves robots by joint states has anything to move.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState

from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hands import where_valid
from kpm_ros.nodes import outgoing, qos

TOPIC = "effort/view"
FLAGS = "flags"
"""Name of the last number: the sample's flags, added up."""
STEP_NS = NS_PER_S // 100


class EffortView:
    """Publishes the samples of every hundredth of a second while somebody listens."""

    def __init__(self, node: Node, muscles: Sequence[str]) -> None:
        """Offer the topic."""
        self._muscles, self._names = muscles, [*muscles, FLAGS]
        self._publisher = node.create_publisher(JointState, TOPIC, qos.of(TOPIC))

    @property
    def listened_to(self) -> bool:
        """Whether anybody reads it."""
        return bool(self._publisher.get_subscription_count())

    def publish(
        self,
        stamps_ns: NDArray[np.int64],
        flags: NDArray[FlagBits],
        effort: NDArray[np.floating],
    ) -> None:
        """Pass on what is to be seen of some samples; a muscle that is not valid is NaN."""
        if not self.listened_to:
            return
        chosen = stamps_ns % STEP_NS == 0
        seen = where_valid(effort[chosen], flags[chosen], self._muscles)
        for stamp_ns, bits, row in zip(
            stamps_ns[chosen].tolist(), flags[chosen].tolist(), seen.tolist(), strict=True
        ):
            message = JointState(
                header=outgoing.MESSAGES.header(stamp_ns),
                name=self._names,
                effort=array("d", [*row, bits]),
            )
            self._publisher.publish(message)
