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

"""A bag that is played within a test, and commanded as a user would."""

from __future__ import annotations

from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from std_msgs.msg import Float64
from std_srvs.srv import SetBool

from kpm_ros.nodes.player_node import PlayerNode
from support.background import Background
from support.waiting import wait_for


class PlayedBag(Background):
    """Runs the player in a thread; it begins paused, so that a test decides when."""

    def __init__(self, context: Any, namespace: str, bag: Any, **settings: Any) -> None:
        """Open the bag in the namespace of a pipeline."""
        super().__init__()
        values = {"bag": str(bag), "wait_s": 60.0, "paused": True, **settings}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        self.player = PlayerNode(
            context=context, namespace=namespace, parameter_overrides=overrides
        )
        self._user = context_node(context, namespace)
        self._pause = self._user.create_client(SetBool, "player/pause")
        self._topics = {
            name: self._user.create_publisher(Float64, f"player/{name}", 10)
            for name in ("rate", "seek")
        }
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.player)
        self._executor.add_node(self._user)

    def __enter__(self) -> PlayedBag:
        """Begin; the clock shows the bag's beginning."""
        self.player.start()
        return super().__enter__()

    def clean_up(self) -> None:
        """End the player."""
        self.player.stop()
        self._executor.shutdown()
        self._user.destroy_node()
        self.player.destroy_node()

    def work(self) -> None:
        """Serve the player and its user."""
        while not self.stopping.is_set():
            self._executor.spin_once(timeout_sec=0.05)

    def pause(self, paused: bool = True) -> None:
        """Call the player's service."""
        assert self._pause.wait_for_service(timeout_sec=20), "the player offers no pause"
        done = self._pause.call_async(SetBool.Request(data=paused))
        wait_for(done.done, "the player's answer")
        assert done.result().success

    def go(self) -> None:
        """Play on, once a pipeline listens."""
        wait_for(lambda: self.figure("begun"), "the pipeline to listen", 60)
        self.pause(False)

    def tell(self, what: str, value: float) -> None:
        """Send the player another rate, or another place to go on from."""
        topic = self._topics[what]
        wait_for(lambda: topic.get_subscription_count() == 1, "the player to listen")
        topic.publish(Float64(data=value))

    def figure(self, name: str) -> Any:
        """One figure of the player's own report."""
        return self.player.report().values[name]


def context_node(context: Any, namespace: str) -> Any:
    """A node of the user's, beside the player."""
    import rclpy

    return rclpy.create_node("user", namespace=namespace, context=context)
