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

"""The recorder: topics into a bag, as they come off the wire."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, cast

from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.utilities import get_rmw_implementation_identifier

from kpm_ros.core import provenance
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.base import PipelineNode, UnfulfilledError
from kpm_ros.nodes.clock_listener import ClockListener
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.parameters_in_force import ParameterSurvey
from kpm_ros.nodes.recorder_settings import RecorderSettings
from kpm_ros.nodes.registrations import read_registration
from kpm_ros.nodes.topic_types import Listened, listen
from kpm_ros.pipeline_topics import Topic
from kpm_ros.replay.bag import BagError, BagTopic, BagWriter, Storage

QUEUED = 1000
"""Messages that wait to be written: half a second of the fastest topic."""
HOST_PACKAGES = ("numpy", "scipy", "numba", "rosbags")
FLUSH_EVERY = 50
"""Steps between two moments at which everything written is handed to the operating system."""


class RecorderNode(PipelineNode):
    """Writes serialised messages with the instant at which they were received."""

    name = "recorder"
    settings_type = RecorderSettings
    settings: RecorderSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Create the bag and subscribe; a folder that cannot be used is refused at once."""
        super().__init__(**node_arguments)
        if not self.settings.folder:
            raise ConfigurationError("recorder: folder is empty, but must name the bag's folder")
        self._registration = read_registration(self.settings.registration)
        self._info_topic = self.resolve_topic_name("effort/info")
        listened = listen(self, self.settings.topics, lambda name: qos.deep(name, QUEUED))
        self._inputs = [(one.queue, self._recorded_name(one)) for one in listened]
        try:
            self._bag = BagWriter(
                after_a_crash(Path(self.settings.folder).expanduser()),
                {self._recorded_name(one): _offered(one.topic) for one in listened},
                cast("Storage", self.settings.storage),
            )
        except BagError as error:
            raise ConfigurationError(f"recorder: {error}") from None
        self._survey = ParameterSurvey(self)
        self._models: dict[str, str] = {}
        self._commit = provenance.commit()
        # Under use_sim_time a bag is on the clock that its messages are stamped by.
        self.clock_listener = ClockListener(self) if self.simulated_time else None
        self._heard: set[str] = set()
        self._problem = ""
        self._steps = 0
        self.add_loop(self.settings.period_s, self.step)

    def step(self) -> None:
        """Write what has come; a disk that is full ends the recording, not the pipeline."""
        for subscription, name in self._inputs if self._time_is_known() else ():
            for data, received_ns, _ in subscription.take_raw():
                if self.clock_listener is not None:
                    received_ns = self.clock_listener.clock.at(received_ns)
                self._write(name, received_ns, data)
                self._heard.add(subscription.topic)
                if name == self._info_topic:
                    self._note_model(subscription.decode(data))
        self._steps += 1
        if self._steps % FLUSH_EVERY == 0:
            self._guarded(self._bag.flush)

    def stop(self) -> None:
        """Finish the bag; a recording that is not whole is a failure of the run."""
        super().stop()
        if self._bag.finished and not self._problem:
            return
        self.step()
        self._guarded(lambda: self._bag.describe(**self._facts()))
        self._guarded(self._bag.close)
        if self._problem:
            self._fail(UnfulfilledError(self._problem))

    def report(self) -> Report:
        """How much was written, and whether writing still works."""
        report = super().report()
        report.values |= {
            "messages": self._bag.messages,
            "bytes": self._bag.bytes,
            "folder": str(self._bag.folder),
            "heard": " ".join(sorted(self._heard)),
        }
        if self._problem:
            report.worsen(Level.ERROR, self._problem)
        return report

    def _note_model(self, info: Any) -> None:
        """Remember by which model effort was made."""
        if info is not None:
            self._models[info.model_sha256] = info.model

    def _facts(self) -> dict[str, str]:
        """What one must know of a recording besides its messages."""
        own = {name: parameter.value for name, parameter in self._parameters.items()}
        parameters = {self.get_fully_qualified_name(): own, **self._survey.values}
        facts = {
            "model": ", ".join(self._models.values()),
            "model_sha256": ", ".join(self._models),
            "parameters": json.dumps(parameters, sort_keys=True, default=str),
            "host": json.dumps(provenance.host(HOST_PACKAGES) | _middleware()),
            "commit": self._commit,
            "registration": ""
            if self._registration is None
            else json.dumps(self._registration.as_plain()),
        }
        return {name: value for name, value in facts.items() if value}

    def _time_is_known(self) -> bool:
        return self.clock_listener is None or self.clock_listener.now_ns() is not None

    def _recorded_name(self, listened: Listened) -> str:
        """What a topic is called in the bag."""
        topic, queue = listened
        return self.resolve_topic_name(topic.recorded_name) if topic.moves else queue.topic

    def _write(self, topic: str, received_ns: int, data: bytes) -> None:
        if not self._problem:
            self._guarded(lambda: self._bag.write(topic, received_ns, data))

    def _guarded(self, write: Any) -> None:
        if self._problem:
            return
        try:
            write()
        except BagError as error:
            self._problem = f"recording has stopped: {error}"
            self._bag.abandon()
            self.get_logger().error(self._problem)


def _offered(topic: Topic) -> BagTopic:
    """How a topic is published, for who plays the bag."""
    profile = qos.PROFILES[topic.qos]
    return BagTopic(
        topic.type,
        profile.depth,
        reliable=profile.reliability == ReliabilityPolicy.RELIABLE,
        latched=profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
    )


def _middleware() -> dict[str, str]:
    """Tell the parts of ROS that a recording depends on."""
    distribution = os.environ.get("ROS_DISTRO", "")
    found = {"ros_distro": distribution, "rmw": get_rmw_implementation_identifier()}
    return {name: value for name, value in found.items() if value}


def after_a_crash(folder: Path) -> Path:
    """Folder to record into: the one asked for or, where a recorder died, one beside it.

    A recorder that is started again must neither touch what it had recorded nor refuse to go on.
    """
    candidate, number = folder, 1
    while _is_unfinished(candidate) or (number > 1 and candidate.exists()):
        number += 1
        candidate = folder.with_name(f"{folder.name}-{number}")
    return candidate


def _is_unfinished(folder: Path) -> bool:
    """Whether a recorder died here: a bag's files, without the metadata that ends a bag."""
    files = [*folder.glob("*.mcap"), *folder.glob("*.db3")]
    return bool(files) and not (folder / "metadata.yaml").exists()


def main() -> None:
    """Run the node."""
    sys.exit(run(RecorderNode))


if __name__ == "__main__":
    main()
