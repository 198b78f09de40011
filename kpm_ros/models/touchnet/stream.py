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

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.streaming_network import StreamingNetwork
from kpm_ros.models.touchnet.kernels import run_frames
from kpm_ros.models.touchnet.plan import arrange, empty_memory, hand_of, sizes_of
from kpm_ros.models.touchnet.shapes import STRIDE, first_end, inputs_of

Array = NDArray[np.float32]


class TouchNetStream(StreamingNetwork):
    """TouchNet on a stream.

    The network runs once every eighth sample of the grid and then knows the effort of eight; each
    is given when it is due, so that effort comes as evenly as samples do. A stream that begins
    within a frame whose last sample is already past gives zeros for what is left of that frame.
    """

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        span = architecture_of(card).span(card)
        super().__init__(card, tensors, span, warm_up_samples=card.lookahead + STRIDE)
        self._pose, self._keys = inputs_of(card).pose, inputs_of(card).keys
        self._sizes, self._hand = sizes_of(card), hand_of(card)
        self._weights = arrange(card, tensors)
        self._memory = empty_memory(card)
        self._ready = np.zeros((STRIDE, len(card.muscles)), np.float32)
        """The newest frame's effort, of which a part may still have to wait."""
        self._last = np.zeros(card.streams.width, np.float32)

    def _take(self, values: Array) -> Array:
        effort = self._run(values)
        if len(values):
            self._last[:] = values[-1]
        return effort

    def _finish(self) -> Array:
        """Hold the last sample for as long as the future is awaited."""
        pushed = self._pushed
        count = self.card.lookahead if pushed else 0
        effort = self._run(np.repeat(self._last[None], count, axis=0))
        self._pushed = pushed
        return effort

    def _remembered(self) -> dict[str, Array]:
        return {**self._memory._asdict(), "ready": self._ready, "last": self._last}

    def _begin(self, first_index: int) -> None:
        super()._begin(first_index)
        # Samples of the grid's frame that holds the first one, before it.
        self._before = first_index % STRIDE
        self._end = first_end(self.card, first_index)
        # Frames that end within the stream ahead of the one that holds its first sample; -1 where
        # that one has ended before the stream began.
        self._ahead = (self.card.lookahead - self._end) // STRIDE

    def _run(self, values: Array) -> Array:
        """Run the frames that end among these samples; give the effort that is due by now."""
        samples = len(values)
        frame = self._frames(self._pushed)
        frames = self._frames(self._pushed + samples) - frame
        first = frame * STRIDE + self._end - self._pushed
        # Copied, or rows that may not be written to would have everything compiled once more.
        pose, keys = (
            np.array(values[first::STRIDE, columns], np.float32, order="C")
            for columns in (self._pose, self._keys)
        )
        fresh = np.empty((frames, self._ready.size), np.float32)
        run_frames(
            pose, keys, frame, self._ahead, self._sizes, self._hand, self._weights, self._memory,
            fresh,
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
