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

"""The viewer: what runs now, to look at. It only listens, and what is too much for it it drops."""

from __future__ import annotations

import sys
from copy import copy
from pathlib import Path
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.topic_types import listen
from kpm_ros.nodes.view_settings import ViewSettings
from kpm_ros.view.layout import layout
from kpm_ros.view.messages import EFFORT_CHUNK, MessageView, view_of
from kpm_ros.view.scene import Scene
from kpm_ros.view.viewer import Viewer, ViewerError, open_recording

MOST_DROPPED = 0.2
"""Beyond this part of effort, what is shown is said to be incomplete."""


class ViewNode(PipelineNode):
    """Draws messages as they come."""

    name = "view"
    settings_type = ViewSettings
    settings: ViewSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Open the viewer, or the file, and subscribe."""
        super().__init__(**node_arguments)
        self._recording = open_recording(self.get_namespace().strip("/"))
        self._viewer = self._open()
        self._scene = Scene(self._recording)
        self._shown = MessageView(self._scene)
        self._inputs = listen(self, self.settings.topics, never_waited_for)
        views = [view_of(name) for name in self.settings.topics if name.startswith("camera/")]
        self._recording.send_blueprint(layout(list(dict.fromkeys(views))))
        self._next_index: int | None = None
        self._samples = self._lost = 0
        self.add_loop(self.settings.period_s, self.step)

    def step(self) -> None:
        """Draw what has come."""
        for topic, queue in self._inputs:
            for message, _ in queue.take():
                if topic.type == EFFORT_CHUNK:
                    self._count(message)
                self._shown.show(queue.topic, topic.type, message)

    def report(self) -> Report:
        """How much was drawn, and how much was dropped."""
        report = super().report()
        dropped = self._lost / max(1, self._samples + self._lost)
        report.values |= {
            "shown_where": self._words,
            "muscles": ", ".join(self._scene.muscle_names),
            "effort_samples": self._samples,
            "dropped_fraction": dropped,
            "undrawable": self._shown.refused,
        }
        if dropped > MOST_DROPPED:
            report.worsen(
                Level.DEGRADED, f"{dropped:.0%} of the effort was dropped: this machine is too busy"
            )
        return report

    def stop(self) -> None:
        """Finish the file, or end the page."""
        super().stop()
        self._recording.flush()
        self._recording.disconnect()
        if self._viewer is not None:
            self._viewer.close()

    def _open(self) -> Viewer | None:
        save = self.settings.save
        if save:
            path = Path(save).expanduser()
            if path.suffix != ".rrd":
                raise ConfigurationError(f"view: save is {save!r}, but must end with .rrd")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._recording.save(path)
            self._words = str(path)
            return None
        try:
            viewer = Viewer(self.settings.port, self.settings.web_port)
        except ViewerError as error:
            raise ConfigurationError(f"view: {error}") from None
        self._recording.connect_grpc(viewer.url)
        self._words = viewer.words
        self.get_logger().info(viewer.words)
        return viewer

    def _count(self, chunk: Any) -> None:
        """Count effort, and what is missing of it, by its index."""
        if self._next_index is not None:
            self._lost += max(0, chunk.first_index - self._next_index)
        count = len(chunk.flags)
        self._samples += count
        self._next_index = chunk.first_index + count


def never_waited_for(name: str) -> QoSProfile:
    """Listen without asking for anything twice: no publisher ever waits for a viewer."""
    profile = copy(qos.of(name))
    if profile.durability != DurabilityPolicy.TRANSIENT_LOCAL:
        profile.reliability = ReliabilityPolicy.BEST_EFFORT
    return profile


def main() -> None:
    """Run the node until it is told to stop."""
    sys.exit(run(ViewNode))


if __name__ == "__main__":
    main()
