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

"""A network over frames, sample by sample: what one pass gives, as soon as it is known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.framed.shapes import first_end
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.streaming_network import StreamingNetwork

Array = NDArray[np.float32]


class FramedStream(StreamingNetwork):
    """A network that runs once a frame, on a stream.

    At the last sample of a frame it knows the effort of as many samples as a frame has, and gives
    all of them that were pushed. A stream that begins within a frame whose last sample is already
    past gives zeros for what is left of that frame.
    """

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        span = architecture_of(card).span(card)
        super().__init__(card, tensors, span, warm_up_samples=card.lookahead + span.stride)
        self._ready = np.zeros((span.stride, len(card.muscles)), np.float32)
        """The newest frame's effort, of which a part may still have to wait."""
        self._last = np.zeros(card.streams.width, np.float32)

    @property
    def given(self) -> int:
        """Samples of effort given since the stream began: those that are known."""
        if self._ended:
            return self._pushed
        return min(self._pushed, self._known(self._frames(self._pushed)))

    @abstractmethod
    def _evaluate(self, rows: Array, frame: int, ahead: int, effort: Array) -> None:
        """Run the frames that end with these rows of the grid; fill in a row of effort for each.

        `frame` counts the frames before these. The rows of the first `ahead` frames of a stream are
        about samples before it.
        """

    @abstractmethod
    def _memory_parts(self) -> Mapping[str, Array]:
        """Name what the network remembers of the frames before."""

    def _take(self, values: Array) -> Array:
        effort = self._run(values)
        if len(values):
            self._last[:] = values[-1]
        return effort

    def _finish(self) -> Array:
        """Hold the last sample for as long as the future is awaited."""
        pushed, left = self._pushed, self._pushed - self.given
        count = self.card.lookahead if pushed else 0
        effort = self._run(np.repeat(self._last[None], count, axis=0))
        self._pushed = pushed
        return effort[:left]

    def _remembered(self) -> dict[str, Array]:
        return {**self._memory_parts(), "ready": self._ready, "last": self._last}

    def _begin(self, first_index: int) -> None:
        super()._begin(first_index)
        # Samples of the grid's frame that holds the first one, before it.
        self._before = first_index % self.stride
        self._end = first_end(self.card, first_index, self.stride)
        # Frames that end within the stream ahead of the one that holds its first sample; -1 where
        # that one has ended before the stream began.
        self._ahead = (self.card.lookahead - self._end) // self.stride

    def _run(self, values: Array) -> Array:
        """Run the frames that end among these samples; give the effort that is due by now."""
        samples = len(values)
        frame = self._frames(self._pushed)
        frames = self._frames(self._pushed + samples) - frame
        first = frame * self.stride + self._end - self._pushed
        fresh = np.empty((frames, self._ready.size), np.float32)
        self._evaluate(values[first :: self.stride], frame, self._ahead, fresh)
        start, known = self.given, self._known(frame)
        added = self._known(frame + frames) - known
        fresh = fresh.reshape(-1, self._ready.shape[1])[frames * self.stride - added :]
        waiting = self._ready[self.stride - (known - start) :]
        effort = np.concatenate([waiting, fresh])
        self._pushed += samples
        self._ready[:] = np.concatenate([self._ready, fresh])[-self.stride :]
        return effort[: self.given - start]

    def _frames(self, samples: int) -> int:
        """How many frames end within so many samples."""
        return max(0, -(-(samples - self._end) // self.stride))

    def _known(self, frames: int) -> int:
        """Of how many samples the effort is known once so many frames have ended."""
        return max(0, (frames - self._ahead) * self.stride - self._before)
