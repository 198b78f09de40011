"""Plays the simulated devices from within a test, with whatever fault the test wants to see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from kpm_ros.msg import HandLandmarks, KeyEvent, KeyMotion
from kpm_ros.nodes import qos, wire
from kpm_ros.sense import samples
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import Sample, SimulatedSession
from kpm_ros.simulate.studies import five_finger_study

Alter = Callable[[Sample], "Sample | None"]


class Player:
    """Publishes in real time what simulated drivers would; `alter` may change or drop samples."""

    def __init__(self, node: Any, namespace: str, alter: Alter = lambda sample: sample) -> None:
        """Play on the topics of a pipeline in `namespace`."""
        self.alter = alter
        self._session = SimulatedSession(
            Pianist(five_finger_study()), default_cameras(), time.time_ns(), emg=False
        )
        topics = [("events", KeyEvent), ("motion", KeyMotion)]
        self._publishers = {
            name: node.create_publisher(kind, f"/{namespace}/keys/{name}", qos.of(f"keys/{name}"))
            for name, kind in topics
        }
        for camera in default_cameras():
            topic = f"camera/{camera.name}/hand"
            self._publishers[camera.name] = node.create_publisher(
                HandLandmarks, f"/{namespace}/{topic}", qos.of(topic)
            )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)

    def __enter__(self) -> Player:
        """Begin to play."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop playing."""
        self._stopping.set()
        self._thread.join()

    def _play(self) -> None:
        while not self._stopping.wait(0.002):
            for delivery in self._session.advance(time.time_ns()):
                sample = self.alter(delivery.sample)
                if sample is not None:
                    self._publish(sample)

    def _publish(self, sample: Sample) -> None:
        if isinstance(sample, samples.HandFrame):
            self._publishers[sample.view].publish(wire.hand_message(sample))
        elif isinstance(sample, samples.KeyEvent):
            self._publishers["events"].publish(wire.key_event_message(sample))
        elif isinstance(sample, samples.KeyMotionChunk):
            self._publishers["motion"].publish(wire.key_motion_message(sample))
