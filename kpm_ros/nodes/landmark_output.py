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

"""One view's hand or hands, or body: tracked in each picture, and published."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.msg import Landmarks
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.camera_settings import TrackingSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.pipeline_topics import landmarks_topic
from kpm_ros.sense.bodies.person_identity import PersonRules
from kpm_ros.sense.camera.camera_calibration import Calibration
from kpm_ros.sense.camera.undistortion import undistort
from kpm_ros.sense.hands.tracking import HandRules
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.sense.trackers import tracker_of
from kpm_ros.sense.tracking.cleanup import LiveCleaner
from kpm_ros.sense.tracking.load import MOST_SKIPPED, ModelChoice, Tracked, advice, load_of
from kpm_ros.sense.tracking.tracker import Model, Seen, TrackerConfig, TrackerUnavailableError

SAY_EVERY_S = 10.0
"""A tracker that does not keep up says so in the log no more often than this."""

MOST_REMEMBERED = 1000
"""Pictures between two reports, of the fastest camera."""


class LandmarkOutput:
    """Tracks the view's hands or body and publishes them for every picture, seen or not."""

    def __init__(self, node: PipelineNode, view: str, settings: TrackingSettings) -> None:
        """Load the tracker and advertise the view's topic."""
        self.view = view
        self._frame_id = settings.frame_id
        self._node = node
        self._kind = tracker_of(settings.skeleton)
        try:
            config = tracker_config(settings, node.get_name())
            self._tracker = self._kind.make(config, self._rules(settings))
        except TrackerUnavailableError as error:
            raise ConfigurationError(f"{node.get_name()}: {error}") from None
        # Where there is but one model, there is nothing to choose.
        auto = settings.model == "auto" and "lite" in self._tracker.models
        auto = auto and not settings.tracker.task_file
        self._choice = ModelChoice(len(os.sched_getaffinity(0))) if auto else None
        self._settings = settings
        self._cleaners = _cleaners(settings.clean_up, len(self._tracker.sides))
        told_apart = self._tracker.sides if len(self._cleaners) > 1 else ("",)
        topics = [landmarks_topic(view, side) for side in told_apart]
        self._publishers = [
            node.create_publisher(Landmarks, topic, qos.of(topic)) for topic in topics
        ]
        self._identity = self._tracker.identity
        self._stamp_ns = -1
        self._seen = self._total = 0
        self._tracked: deque[Tracked] = deque(maxlen=MOST_REMEMBERED)
        self._before: list[Tracked] = []
        self._size = (0, 0)

    def reconfigure(self, settings: TrackingSettings) -> None:
        """Choose and clean up otherwise from the next picture on."""
        config = tracker_config(settings, self._node.get_name())
        try:
            self._tracker.reconfigure(config, self._rules(settings))
        except ConfigurationError as error:
            raise ConfigurationError(f"{self._node.get_name()}: {error}") from None
        if settings.clean_up != self._settings.clean_up:
            self._cleaners = _cleaners(settings.clean_up, len(self._cleaners))
        self._settings = settings

    def show(
        self,
        image: NDArray[np.uint8],
        stamp_ns: int,
        index: int,
        frame_id: str = "",
        lens: Calibration | None = None,
    ) -> list[LandmarkFrame]:
        """Track one picture, publish what is seen in it, and return what was published.

        `frame_id` is the picture's own; the parameter of that name goes before it. Landmarks in the
        picture are freed of the distortion of the lens, where it is given.
        """
        self._size = (image.shape[1], image.shape[0])
        began = time.monotonic()
        found = {seen.side: seen for seen in self._tracker.track(image, stamp_ns)}
        sides = self._tracker.sides
        each = self._cleaned([found.get(side) for side in sides], stamp_ns)
        spent = time.monotonic() - began
        frames = []
        for side, seen, publisher in zip(sides, each, self._publishers, strict=True):
            points = None if seen is None else seen.points
            if points is not None and lens is not None:
                points = undistort(points, self._size, lens)
            frame = LandmarkFrame(
                stamp_ns=stamp_ns,
                view=self.view,
                index=index,
                points=points,
                confidence=seen.confidence if seen else 0.0,
                skeleton=self._settings.skeleton,
                side=side,
                image_size=self._size,
                processed_ns=self._node.now_ns(),
                frame_id=self._frame_id or frame_id,
                metres=seen.metres if seen else None,
                visibility=seen.visibility if seen else None,
            )
            publisher.publish(outgoing.landmarks_message(frame))
            frames.append(frame)
        self._total += 1
        self._seen += all(frame.points is not None for frame in frames)
        tracked = Tracked(stamp_ns, index, spent, time.process_time())
        self._tracked.append(tracked)
        if self._choice is not None and self._choice.add(tracked):
            self._node.get_logger().info(self._choice.reason)
            if self._choice.model != self._tracker.model:
                self._tracker.use_model(cast(Model, self._choice.model))
        return frames

    def report(self, report: Report) -> None:
        """Add how tracking went since the last report, and what would make it keep up."""
        tracked, self._tracked = self._tracked, deque(maxlen=MOST_REMEMBERED)
        spent = [one.spent_s for one in tracked]
        pictures = max(len(tracked), 1)
        report.values |= {
            "skeleton": self._settings.skeleton,
            "tracked": self._total,
            "seen_fraction": self._seen / pictures,
            "tracking_ms": 1e3 * sum(spent) / pictures,
            "tracking_ms_max": 1e3 * max(spent, default=0.0),
            "model": self._tracker.model,
            "outliers": sum(cleaner.outliers for cleaner in self._cleaners if cleaner),
            **self._tracker.counts(),
        }
        seen, self._seen = self._seen, 0
        load = load_of([*self._before, *tracked])
        self._before = list(tracked)[-1:]
        if load is not None:
            report.values["skipped_fraction"] = load.skipped
            if load.skipped > MOST_SKIPPED:
                sentence = advice(load, self._tracker.cheaper, self._size)
                report.worsen(Level.DEGRADED, sentence)
                self._node.get_logger().warning(sentence, throttle_duration_sec=SAY_EVERY_S)
        if tracked and not seen:
            both = len(self._tracker.sides) > 1
            whom = f"both {self._kind.what}s" if both else f"a {self._kind.what}"
            report.worsen(Level.DEGRADED, f"none of the last {pictures} pictures shows {whom}")

    def close(self) -> None:
        """Free the tracker, and publish no more."""
        self._tracker.close()
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    def _rules(self, settings: TrackingSettings) -> HandRules | PersonRules:
        """Whom to follow."""
        return settings.person if self._kind.rules is PersonRules else settings.hand

    def _cleaned(self, seen: list[Seen | None], stamp_ns: int) -> list[Seen | None]:
        """Clean up what is seen of each side."""
        anew = self._tracker.identity != self._identity or stamp_ns <= self._stamp_ns
        self._identity, self._stamp_ns = self._tracker.identity, stamp_ns
        for cleaner in self._cleaners:
            if cleaner is not None and anew:
                # Somebody else, or a recording that began again: its past is not this one's.
                cleaner.reset()
        return [_cleaned(*pair) for pair in zip(self._cleaners, seen, strict=True)]


def tracker_config(settings: TrackingSettings, node: str) -> TrackerConfig:
    """Complete the tracker's configuration; refused where it cannot be."""
    model: Model = "lite" if settings.model == "lite" else "full"
    try:
        return replace(settings.tracker, model=model, region=_region(settings.region))
    except ValueError as error:
        raise ConfigurationError(f"{node}: {error}") from None


def _region(text: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise ValueError(
            f"region is {text!r}, but must be four numbers: left, top, right, bottom as fractions"
        ) from None
    return left, top, right, bottom


def _cleaners(choice: str, count: int) -> list[LiveCleaner | None]:
    """One for each side, each with a past of its own."""
    if choice == "none":
        return [None] * count
    return [LiveCleaner(smooth_newest=choice == "smooth") for _ in range(count)]


def _cleaned(cleaner: LiveCleaner | None, seen: Seen | None) -> Seen | None:
    """Clean up what is seen, in the picture and in metres alike."""
    if cleaner is None:
        return seen
    if seen is None:
        cleaner.push_frame(None)
        return None
    told = [seen.points] if seen.metres is None else [seen.points, seen.metres]
    cleaned = cleaner.push_frame(np.concatenate(told, axis=1))[0]
    if cleaned is None:
        return None
    metres = None if seen.metres is None else cleaned[:, 3:]
    return replace(seen, points=cleaned[:, :3], metres=metres)


def view_of(node: PipelineNode, view: str, prefix: str) -> str:
    """Name of the node's view: the one given, else what follows the prefix in the node's name."""
    name = view or node.get_name().removeprefix(prefix).removeprefix("_") or "top"
    if not name.isidentifier():
        raise ConfigurationError(
            f"{node.get_name()}: view is {name!r}, but must be a word such as top: it is part of "
            "topic names"
        )
    return name
