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

"""TouchNet sample by sample: what one pass over the whole signal gives, as soon as it is due."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.layout import input_channels
from kpm_ros.estimate.stream import Stream
from kpm_ros.estimate.touch.kernels import run_frames
from kpm_ros.estimate.touch.layout import STRIDE, first_end
from kpm_ros.estimate.touch.plan import arrange, empty_memory, sizes_of
from kpm_ros.estimate.weights import check_tensors
from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


class TouchStreaming(Stream):
    """TouchNet on a stream.

    The network runs once every eighth sample of the grid and then knows the effort of eight; each
    is given when it is due, so that effort comes as evenly as samples do. A stream that begins
    within a frame whose last sample is already past gives zeros for what is left of that frame.
    """

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        check_tensors(card, tensors)
        super().__init__(card, warm_up_samples=card.lookahead + STRIDE)
        self._sizes = sizes_of(card)
        self._weights = arrange(card, tensors)
        self._memory = empty_memory(card)
        self._ready = np.zeros((STRIDE, len(card.muscles)), np.float32)
        """The newest frame's effort, of which a part may still have to wait."""
        self._last = {s: np.zeros(input_channels(card, s), np.float32) for s in card.inputs}

    def _take(self, rows: Mapping[str, Array]) -> Array:
        effort = self._run(rows)
        for sense, values in rows.items():
            if len(values):
                self._last[sense][:] = values[-1]
        return effort

    def _finish(self) -> Array:
        """Hold the last sample for as long as the future is awaited."""
        pushed = self._pushed
        count = self.card.lookahead if pushed else 0
        held = {sense: np.repeat(row[None], count, axis=0) for sense, row in self._last.items()}
        effort = self._run(held)
        self._pushed = pushed
        return effort

    def _remembered(self) -> dict[str, Array]:
        last = {f"last_{sense}": row for sense, row in self._last.items()}
        return {**self._memory._asdict(), "ready": self._ready, **last}

    def _begin(self, first_index: int) -> None:
        super()._begin(first_index)
        # Samples of the grid's frame that holds the first one, before it.
        self._before = first_index % STRIDE
        self._end = first_end(self.card, first_index)
        # Frames that end within the stream ahead of the one that holds its first sample; -1 where
        # that one has ended before the stream began.
        self._ahead = (self.card.lookahead - self._end) // STRIDE

    def _run(self, rows: Mapping[str, Array]) -> Array:
        """Run the frames that end among these samples; give the effort that is due by now."""
        samples = len(next(iter(rows.values())))
        frame = self._frames(self._pushed)
        frames = self._frames(self._pushed + samples) - frame
        first = frame * STRIDE + self._end - self._pushed
        nothing = np.zeros((frames, 0), np.float32)
        # Copied, or rows that may not be written to would have everything compiled once more.
        ends = {
            sense: np.array(values[first::STRIDE], np.float32, order="C")
            for sense, values in rows.items()
        }
        fresh = np.empty((frames, self._ready.size), np.float32)
        run_frames(
            ends.get("pose", nothing), ends.get("keys", nothing), frame, self._ahead,
            self._sizes, self._weights, self._memory, fresh,
        )  # fmt: skip
        start, known = self.given, self._known(frame)
        added = self._known(frame + frames) - known
        fresh = fresh.reshape(-1, self._ready.shape[1])[frames * STRIDE - added :]
        waiting = self._ready[STRIDE - (known - start) :]
        effort = np.concatenate([waiting, fresh])
        self._pushed += samples
        self._ready[:] = np.concatenate([self._ready, fresh])[-STRIDE:]
        return effort[: self.given - start]

    def _frames(self, samples: int) -> int:
        """How many frames end within so many samples."""
        return max(0, -(-(samples - self._end) // STRIDE))

    def _known(self, frames: int) -> int:
        """Of how many samples the effort is known once so many frames have ended."""
        return max(0, (frames - self._ahead) * STRIDE - self._before)
