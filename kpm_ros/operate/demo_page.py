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

"""The page that a demo ends with: a film and traces of its last seconds."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kpm_ros.core.foreign_files import printable
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.subjects import find_subject
from kpm_ros.learn.pictures.hand_film import FPS, Film, Seen
from kpm_ros.learn.reports.page import Picture, Report, Section, render
from kpm_ros.operate.bag_efforts import BagEfforts
from kpm_ros.pipeline_topics import LANDMARKS
from kpm_ros.replay import recorded_with
from kpm_ros.replay.bag import BagError
from kpm_ros.sense.midi.score import Score
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.wire import decode

SHOWN_S = 6.0
_HELD_S = 0.2
"""So long a hand is shown where it was last seen."""


class DemoPage(BagEfforts):
    """The last seconds of a recorded run; use it in a `with` block."""

    def page(self, subject: str, registration: str) -> str:
        """Make the page; a bag without effort or landmarks is refused."""
        recorded = list(self.recorded().values())
        span = self._bag.span_ns
        if not recorded or span is None or not len(recorded[0]):
            raise BagError(f"the bag {self._path} holds no effort to show")
        effort = recorded[0]
        begin_ns = span[0]
        times = (effort.stamps_ns - begin_ns) / NS_PER_S
        end_s = float(times[-1])
        start_s = max(float(times[0]), end_s - SHOWN_S)
        frames = self._frames(begin_ns, start_s - _HELD_S, end_s)
        if not frames:
            raise BagError(f"the bag {self._path} holds no landmarks to show")
        view = frames[0].view
        camera = None
        if registration:
            known = Registration.read(Path(registration)).cameras.get(view)
            camera = known.camera if known else None
        simulated = "SIMULATED: " if recorded_with.simulated(self._bag.facts) else ""
        film = Film(
            find_skeleton(frames[0].skeleton),
            frames[0].image_size or (640, 480),
            _instants(frames, self.played(begin_ns), begin_ns, start_s, end_s),
            times,
            effort.where_valid(self.muscles),
            self.muscles,
            find_subject(subject).drawn,
            camera,
            f"{simulated}camera {view}",
        )
        return render(_report(film, simulated, end_s - start_s, self._model))

    def _frames(self, begin_ns: int, start_s: float, end_s: float) -> list[LandmarkFrame]:
        """Read the landmarks of the first camera, of every hand it shows."""
        found: dict[str, list[LandmarkFrame]] = {}
        first, last = (begin_ns + round(s * NS_PER_S) for s in (start_s, end_s))
        kind = LANDMARKS.type
        topics = [topic for topic, own in self._bag.topics.items() if own == kind]
        for message in self._bag.messages(topics, first) if topics else ():
            try:
                frame = decode.landmark_frame(self._bag.decode(message))
            except decode.RefusedMessageError:
                continue
            if first <= frame.stamp_ns <= last:
                found.setdefault(frame.view, []).append(frame)
        views = sorted(found, key=lambda view: (view != "top", view))
        return found[views[0]] if views else []


def _instants(
    frames: Sequence[LandmarkFrame], score: Score, begin_ns: int, start_s: float, end_s: float
) -> list[Seen]:
    """Take what was seen and down at each of the film's instants."""
    stamps = np.array([(frame.stamp_ns - begin_ns) / NS_PER_S for frame in frames])
    order = np.argsort(stamps, kind="stable")
    seen = []
    for time_s in np.arange(start_s, end_s, 1.0 / FPS):
        first, last = np.searchsorted(stamps[order], (time_s - _HELD_S, time_s))
        hands = {}
        for k in order[first:last]:
            points = frames[k].points
            if points is not None:
                hands[frames[k].side] = points[:, :2]
        down = [note.pitch for note in score.notes if note.onset_s <= time_s < note.end_s]
        seen.append(Seen(float(time_s), hands, down))
    return seen


def _report(film: Film, simulated: str, seconds: float, model: str) -> Report:
    packed = base64.b64encode(film.webp()).decode("ascii")
    moving = f'<img alt="" src="data:image/webp;base64,{packed}">'
    section = Section(f"The last {seconds:.0f} s")
    section.pictures.append(
        Picture(
            moving,
            "Hand and keys as the camera sees them, the muscles in the colour and width of their "
            "estimated effort, and each muscle's last 3 s.",
        )
    )
    return Report(
        f"{simulated}estimated muscle effort by {printable(model)}",
        bool(simulated),
        [section],
        title="A run of the pipeline",
    )
