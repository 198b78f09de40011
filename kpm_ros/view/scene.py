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

"""Everything that is seen of a run, drawn with Rerun as it comes.

Each thing is drawn at most so often, by its stamps: what comes in between is not drawn, and is none
that is lost. Who draws too much slows its own process down, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import EffortChunk, Trace
from kpm_ros.core.flags import Flag, describe
from kpm_ros.core.hands import side_of, spoilt_by, without_side
from kpm_ros.core.keyboard import (
    BLACK_FRONT_M,
    BLACK_HEIGHT_M,
    BLACK_WIDTH_M,
    TRAVEL_M,
    WHITE_LENGTH_M,
    WHITE_WIDTH_M,
    centre_m,
    is_black,
)
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.core.subjects import find_subject, subject_names
from kpm_ros.learn.pictures.effort_colours import effort_map
from kpm_ros.learn.pictures.muscle_lines import MuscleLine, muscle_lines
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.view.layout import TRACE_COLOURS

TIMELINE = "time"
PICTURES_HZ, POINTS_HZ, MUSCLES_HZ, DELAYS_HZ = 10.0, 30.0, 100.0, 10.0
PICTURE_WIDTH = 640
_JPEG_QUALITY = 75
_POINT_COLOUR, _BONE_COLOUR = (230, 230, 230), (120, 130, 150)
_DOWN_COLOUR, _WHITE_COLOUR, _BLACK_COLOUR = (0, 158, 115), (235, 235, 235), (40, 40, 44)
_FULL_EFFORT = 0.6
"""Of a muscle's maximum: drawn in the brightest colour."""
_STAGES = ("input", "processed", "received", "aligned", "estimated", "published")
STAGES = ("tracking", "transport", "alignment", "network", "output")
_LEVELS = ("INFO", "WARN", "ERROR", "WARN")


@dataclass
class Paces:
    """Lets each kind of thing pass at most so often."""

    _next_ns: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)

    def allow(self, what: str, stamp_ns: int, rate_hz: float) -> bool:
        """Whether it is time to draw this; a recording that begins anew is drawn at once."""
        period_ns = round(1e9 / rate_hz)
        due_ns = self._next_ns.get(what, stamp_ns)
        if due_ns - period_ns <= stamp_ns < due_ns:
            self.skipped[what] = self.skipped.get(what, 0) + 1
            return False
        on_time = due_ns + period_ns if 0 <= stamp_ns - due_ns < period_ns else stamp_ns + period_ns
        self._next_ns[what] = on_time
        self.drawn[what] = self.drawn.get(what, 0) + 1
        return True


class Scene:
    """Draws samples into a recording of Rerun."""

    def __init__(self, recording: Any) -> None:
        """Draw into this; delays of each stage have a colour of their own."""
        self._to = recording
        self.paces = Paces()
        self.muscle_names: tuple[str, ...] = ()
        """Those that effort is of, once somebody has said so."""
        self._effort: NDArray[np.float64] | None = None
        self._flags = -1
        self._down: set[int] = set()
        self._coloured: set[str] = set()
        self._scale: dict[str, float] = {}
        """Of each view's picture as it is drawn to what the camera gave."""

    def picture(self, stamp_ns: int, view: str, rgb: NDArray[np.uint8]) -> None:
        """Show a camera's picture, smaller and compressed."""
        import rerun as rr

        if not self.paces.allow(f"picture {view}", stamp_ns, PICTURES_HZ):
            return
        step = max(1, -(-rgb.shape[1] // PICTURE_WIDTH))
        picture = rr.Image(rgb[::step, ::step]).compress(jpeg_quality=_JPEG_QUALITY)
        self._scale[view] = 1.0 / step
        self._log(stamp_ns, f"camera/{view}/picture", picture)

    def landmarks(self, frame: LandmarkFrame) -> None:
        """Show a camera's landmarks over its picture; metres, where it tells them, in 3D."""
        import rerun as rr

        place = f"{frame.view}/{frame.side}" if frame.side else frame.view
        if not self.paces.allow(f"landmarks {place}", frame.stamp_ns, POINTS_HZ):
            return
        entity = f"camera/{frame.view}/landmarks/{frame.side or 'all'}"
        if frame.points is None:
            self._log(frame.stamp_ns, f"{entity}/points", rr.Points2D([]))
            self._log(frame.stamp_ns, f"{entity}/lines", rr.LineStrips2D([]))
            return
        size = np.array(frame.image_size or (PICTURE_WIDTH, PICTURE_WIDTH))
        flat = frame.points[:, :2] * size * self._scale.get(frame.view, 1.0)
        skeleton = find_skeleton(frame.skeleton)
        self._skeleton(frame.stamp_ns, entity, skeleton, flat, frame.side, 3.0)
        if frame.metres is not None:
            # x right, y down, z away from the camera: turned upright.
            upright = frame.metres[:, [0, 2, 1]] * (1.0, 1.0, -1.0)
            self._skeleton(frame.stamp_ns, "space/body", skeleton, upright, frame.side, 0.008)

    def hand(
        self, stamp_ns: int, skeleton: str, side: str, points_m: NDArray[np.floating[Any]]
    ) -> None:
        """Show a hand in the keyboard's frame."""
        name = side or "hand"
        if self.paces.allow(f"hand {name}", stamp_ns, POINTS_HZ):
            self._skeleton(
                stamp_ns, f"space/{name}", find_skeleton(skeleton), points_m, side, 0.003
            )

    def key(self, event: KeyEvent) -> None:
        """Let a key go down or come up."""
        if event.kind == KeyEventKind.NOTE_ON:
            self._down.add(event.note)
        elif event.kind == KeyEventKind.NOTE_OFF:
            self._down.discard(event.note)
        else:
            return
        self._keyboard(event.stamp_ns)

    def muscles(self, names: Sequence[str], unit: str, model: str, stamp_ns: int) -> None:
        """Learn which muscles effort is of."""
        import rerun as rr

        if tuple(names) == self.muscle_names:
            return
        self.muscle_names, self._effort = tuple(names), None
        lines = rr.SeriesLines(
            names=[f"{name}, {unit}" for name in names],
            colors=[TRACE_COLOURS[k % len(TRACE_COLOURS)] for k in range(len(names))],
        )
        self._to.log("muscles", lines, static=True)
        self._text(stamp_ns, "inference", "INFO", f"effort of {', '.join(names)} by {model}")

    def effort(self, chunk: EffortChunk) -> None:
        """Show effort as traces, and what its samples and its frames went through."""
        import rerun as rr

        if chunk.effort.shape[1] != len(self.muscle_names):
            return  # of muscles that nobody has named yet
        newest_ns = chunk.stamp_ns + round((len(chunk) - 1) * 1e9 / 2000)
        flags = int(np.bitwise_or.reduce(chunk.flags)) if len(chunk) else 0
        if self.paces.allow("effort", newest_ns, MUSCLES_HZ):
            mean = chunk.effort.mean(axis=0, dtype=np.float64)
            dark = [flags & spoilt_by(name) for name in self.muscle_names]
            self._effort = np.where(dark, 0.0, mean)
            self._log(newest_ns, "muscles", rr.Scalars(mean))
        if flags != self._flags:
            self._flags = flags
            level = "WARN" if flags & Flag.INVALID else "INFO"
            self._text(newest_ns, "flags", level, describe(flags))
        if chunk.trace.input_ns and self.paces.allow("delay", newest_ns, DELAYS_HZ):
            self._delay(newest_ns, chunk.trace)

    def said(self, stamp_ns: int, who: str, level: int, text: str) -> None:
        """Show what a node says of itself."""
        self._text(stamp_ns, who, _LEVELS[min(level, len(_LEVELS) - 1)], text)

    def _delay(self, stamp_ns: int, trace: Trace) -> None:
        import rerun as rr

        times = [getattr(trace, f"{stage}_ns") for stage in _STAGES]
        steps = np.diff(times) / 1e6
        known = np.array([a and b for a, b in pairwise(times)], dtype=bool)
        for k, (name, value) in enumerate(zip(STAGES, np.where(known, steps, np.nan), strict=True)):
            if np.isfinite(value):
                if name not in self._coloured:
                    self._coloured.add(name)
                    line = rr.SeriesLines(names=name, colors=TRACE_COLOURS[k])
                    self._to.log(f"delay/{name}", line, static=True)
                self._log(stamp_ns, f"delay/{name}", rr.Scalars(float(value)))

    def _skeleton(
        self,
        stamp_ns: int,
        entity: str,
        skeleton: Skeleton,
        points: NDArray[np.floating[Any]],
        side: str,
        radius: float,
    ) -> None:
        """Draw points, bones, and the muscles between them in the colour of their effort."""
        import rerun as rr

        flat = points.shape[1] == 2
        dots, strips = (rr.Points2D, rr.LineStrips2D) if flat else (rr.Points3D, rr.LineStrips3D)
        lines = [points[[a, b]] for a, b in skeleton.bones]
        colours = [_BONE_COLOUR] * len(lines)
        radii = [0.5 * radius] * len(lines)
        for line, colour in self._lit(skeleton, side):
            first, last = (points[skeleton.points.index(p)] for p in (line.first, line.last))
            lines.append(np.stack([first + at * (last - first) for at in (line.begin, line.end)]))
            colours.append(colour)
            radii.append(1.5 * radius)
        self._log(stamp_ns, f"{entity}/points", dots(points, colors=_POINT_COLOUR, radii=radius))
        self._log(stamp_ns, f"{entity}/lines", strips(lines, colors=colours, radii=radii))

    def _lit(self, skeleton: Skeleton, side: str) -> list[tuple[MuscleLine, tuple[int, int, int]]]:
        """Where each muscle is drawn, and its colour now."""
        if self._effort is None:
            return []
        drawn = _drawn(skeleton.name, self.muscle_names)
        found = []
        for name, effort in zip(self.muscle_names, self._effort, strict=True):
            muscle_side = side_of(name)
            bare = without_side(name)
            if bare not in drawn or (muscle_side and side and muscle_side != side):
                continue
            shade = effort_map()(min(effort / _FULL_EFFORT, 1.0))[:3]
            found.append((drawn[bare], tuple(round(255 * part) for part in shade)))
        return found

    def _keyboard(self, stamp_ns: int) -> None:
        """Draw all keys, those that are down lower and in colour."""
        import rerun as rr

        down = np.array([note in self._down for note in _NOTES])
        centres = _CENTRES.copy()
        centres[down, 2] -= TRAVEL_M
        colours = np.where(down[:, None], _DOWN_COLOUR, _COLOURS)
        boxes = rr.Boxes3D(
            centers=centres, half_sizes=_HALF_SIZES, colors=colours, fill_mode="solid"
        )
        self._log(stamp_ns, "space/keyboard", boxes)

    def _text(self, stamp_ns: int, who: str, level: str, text: str) -> None:
        import rerun as rr

        self._log(stamp_ns, f"messages/{who}", rr.TextLog(text, level=level))

    def _log(self, stamp_ns: int, entity: str, what: Any) -> None:
        self._to.set_time(TIMELINE, timestamp=np.datetime64(stamp_ns, "ns"))
        self._to.log(entity, what)


@cache
def _drawn(skeleton: str, muscles: tuple[str, ...]) -> Mapping[str, MuscleLine]:
    """Where muscles of whoever has this skeleton are drawn."""
    bare = [without_side(muscle) for muscle in muscles]
    for name in subject_names():
        subject = find_subject(name)
        if skeleton in subject.skeletons:
            return muscle_lines(bare, subject.drawn)
    return {}


_NOTES = np.arange(FIRST_NOTE, FIRST_NOTE + PIANO_KEYS)
_IS_BLACK = np.array([is_black(int(note)) for note in _NOTES])
_THICK_M = 0.01
_CENTRES = np.stack(
    [
        [centre_m(int(note)) for note in _NOTES],
        np.where(_IS_BLACK, (BLACK_FRONT_M + WHITE_LENGTH_M) / 2, WHITE_LENGTH_M / 2),
        np.where(_IS_BLACK, BLACK_HEIGHT_M, 0.0) - _THICK_M / 2,
    ],
    axis=1,
)
_HALF_SIZES = np.stack(
    [
        np.where(_IS_BLACK, BLACK_WIDTH_M, WHITE_WIDTH_M - 0.001) / 2,
        np.where(_IS_BLACK, WHITE_LENGTH_M - BLACK_FRONT_M, WHITE_LENGTH_M) / 2,
        np.full(PIANO_KEYS, _THICK_M / 2),
    ],
    axis=1,
)
_COLOURS = np.where(_IS_BLACK[:, None], _BLACK_COLOUR, _WHITE_COLOUR)
