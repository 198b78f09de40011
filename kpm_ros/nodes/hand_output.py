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

"""One view's hand: tracked in each picture, and published."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.msg import Landmarks
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.camera_settings import HandSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.sense.camera.camera_calibration import Calibration
from kpm_ros.sense.camera.undistortion import undistort
from kpm_ros.sense.hands.cleanup import LiveCleaner
from kpm_ros.sense.hands.detection import TrackedHand
from kpm_ros.sense.hands.mediapipe_hands import Model, TrackerUnavailableError
from kpm_ros.sense.hands.tracker_load import MOST_SKIPPED, ModelChoice, Tracked, advice, load_of
from kpm_ros.sense.hands.tracking import HandSelector, HandTracker, HandTrackerConfig
from kpm_ros.sense.samples import LandmarkFrame

SAY_EVERY_S = 10.0
"""A tracker that does not keep up says so in the log no more often than this."""

MOST_REMEMBERED = 1000
"""Pictures between two reports, of the fastest camera."""


class HandOutput:
    """Tracks hands and publishes the chosen one for every picture, seen or not."""

    def __init__(self, node: PipelineNode, view: str, settings: HandSettings) -> None:
        """Load the tracker and advertise the view's topic."""
        self.view = view
        self._frame_id = settings.frame_id
        self._node = node
        auto = settings.model == "auto" and not settings.tracker.task_file
        self._choice = ModelChoice(len(os.sched_getaffinity(0))) if auto else None
        self._config = tracker_config(settings, node.get_name())
        self._tracker = self._make_tracker()
        self._renamed = self._refused = 0
        self._settings = settings
        self._selector = _selector(settings)
        self._cleaner = _cleaner(settings.clean_up)
        topic = f"camera/{view}/landmarks"
        self._publisher = node.create_publisher(Landmarks, topic, qos.of(topic))
        self._hand = self._selector.hand
        self._stamp_ns = -1
        self._seen = self._total = self._both = 0
        self._tracked: deque[Tracked] = deque(maxlen=MOST_REMEMBERED)
        self._before: list[Tracked] = []
        self._size = (0, 0)

    def reconfigure(self, settings: HandSettings) -> None:
        """Choose and clean up otherwise from the next picture on."""
        tracking = tracker_config(settings, self._node.get_name())
        cleaner, selector = _cleaner(settings.clean_up), _selector(settings)
        now = self._settings
        # The model that is loaded stays, which may be another than the one that was asked for.
        self._config = replace(tracking, model=self._config.model)
        self._tracker.config = self._config
        if (settings.hand, settings.near_x, settings.near_y) != (now.hand, now.near_x, now.near_y):
            self._selector = selector
        if settings.clean_up != now.clean_up:
            self._cleaner = cleaner
        self._settings = settings

    def show(
        self,
        image: NDArray[np.uint8],
        stamp_ns: int,
        index: int,
        frame_id: str = "",
        lens: Calibration | None = None,
    ) -> LandmarkFrame:
        """Track one picture, publish its hand, and return what was published.

        `frame_id` is the picture's own; the parameter of that name goes before it. Landmarks are
        freed of the distortion of the lens, where it is given.
        """
        self._size = (image.shape[1], image.shape[0])
        began = time.monotonic()
        hands = self._tracker.track(image, stamp_ns)
        chosen = self._selector.select(hands, stamp_ns)
        points = self._cleaned(chosen, stamp_ns)
        if points is not None and lens is not None:
            points = undistort(points, self._size, lens)
        spent = time.monotonic() - began
        frame = LandmarkFrame(
            stamp_ns=stamp_ns,
            view=self.view,
            index=index,
            points=points,
            confidence=chosen.confidence if chosen and points is not None else 0.0,
            side=self._selector.hand,
            image_size=self._size,
            processed_ns=self._node.now_ns(),
            frame_id=self._frame_id or frame_id,
        )
        self._publisher.publish(outgoing.landmarks_message(frame))
        self._total += 1
        self._seen += points is not None
        self._both += len(hands) > 1
        tracked = Tracked(stamp_ns, index, spent, time.process_time())
        self._tracked.append(tracked)
        if self._choice is not None and self._choice.add(tracked):
            self._take_over(self._choice)
        return frame

    def report(self, report: Report) -> None:
        """Add how tracking went since the last report, and what would make it keep up."""
        tracked, self._tracked = self._tracked, deque(maxlen=MOST_REMEMBERED)
        spent = [one.spent_s for one in tracked]
        pictures = max(len(tracked), 1)
        report.values |= {
            "tracked": self._total,
            "hand": self._selector.hand,
            "hand_fraction": self._seen / pictures,
            "both_hands_fraction": self._both / pictures,
            "tracking_ms": 1e3 * sum(spent) / pictures,
            "tracking_ms_max": 1e3 * max(spent, default=0.0),
            "hand_model": self._config.model,
            "hands_renamed": self._renamed + self._tracker.renamed,
            "hands_refused": self._refused + self._tracker.refused,
            "outliers": self._cleaner.outliers if self._cleaner else 0,
        }
        self._seen = self._both = 0
        load = load_of([*self._before, *tracked])
        self._before = list(tracked)[-1:]
        if load is None:
            return
        report.values["skipped_fraction"] = load.skipped
        if load.skipped > MOST_SKIPPED:
            sentence = advice(load, self._config.model, self._config.hands, self._size)
            report.worsen(Level.DEGRADED, sentence)
            self._node.get_logger().warning(sentence, throttle_duration_sec=SAY_EVERY_S)

    def close(self) -> None:
        """Free the tracker, and publish no more."""
        self._tracker.close()
        self._node.destroy_publisher(self._publisher)

    def _make_tracker(self) -> HandTracker:
        try:
            return HandTracker(self._config)
        except TrackerUnavailableError as error:
            raise ConfigurationError(f"{self._node.get_name()}: {error}") from None

    def _take_over(self, choice: ModelChoice) -> None:
        """Go on with the model that was chosen."""
        self._node.get_logger().info(choice.reason)
        if choice.model != self._config.model:
            self._renamed += self._tracker.renamed
            self._refused += self._tracker.refused
            self._tracker.close()
            self._config = replace(self._config, model=choice.model)  # type: ignore[arg-type]
            self._tracker = self._make_tracker()

    def _cleaned(self, chosen: TrackedHand | None, stamp_ns: int) -> NDArray[np.float32] | None:
        points = chosen.points if chosen else None
        if self._cleaner is None:
            return points
        if self._selector.hand != self._hand or stamp_ns <= self._stamp_ns:
            # Another hand, or a recording that began again: its past is not this one's.
            self._cleaner.reset()
        self._hand, self._stamp_ns = self._selector.hand, stamp_ns
        return self._cleaner.push_frame(points)[0]


def tracker_config(settings: HandSettings, node: str) -> HandTrackerConfig:
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


def _selector(settings: HandSettings) -> HandSelector:
    return HandSelector(settings.hand, (settings.near_x, settings.near_y))  # type: ignore[arg-type]


def _cleaner(choice: str) -> LiveCleaner | None:
    return None if choice == "none" else LiveCleaner(smooth_newest=choice == "smooth")


def view_of(node: PipelineNode, view: str, prefix: str) -> str:
    """Name of the node's view: the one given, else what follows the prefix in the node's name."""
    name = view or node.get_name().removeprefix(prefix).removeprefix("_") or "top"
    if not name.isidentifier():
        raise ConfigurationError(
            f"{node.get_name()}: view is {name!r}, but must be a word such as top: it is part of "
            "topic names"
        )
    return name
