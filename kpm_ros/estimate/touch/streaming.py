"""TouchNet sample by sample: what one pass over the whole signal gives, as soon as it is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.inputs import check_rows
from kpm_ros.estimate.layout import input_channels
from kpm_ros.estimate.touch.kernels import run_frames
from kpm_ros.estimate.touch.layout import STRIDE
from kpm_ros.estimate.touch.plan import arrange, empty_memory, sizes_of
from kpm_ros.estimate.weights import check_tensors

Array = NDArray[np.float32]


class TouchStreaming:
    """Grid samples in, effort out `card.lookahead` samples later, in hops of any size.

    The network runs once every eighth sample and then knows the effort of eight; each is given when
    it is due, so that effort comes as evenly as samples do. Memory is taken at the start.
    """

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        check_tensors(card, tensors)
        self.card = card
        self._ahead, self._behind = divmod(card.lookahead, STRIDE)
        self._sizes = sizes_of(card)
        self._weights = arrange(card, tensors)
        self._memory = empty_memory(card)
        self._ready = np.zeros((STRIDE, len(card.muscles)), np.float32)
        """The newest frame's effort, of which a part may still have to wait."""
        self._last = {s: np.zeros(input_channels(card, s), np.float32) for s in card.inputs}
        self._pushed = 0
        self._ended = False

    @property
    def pushed(self) -> int:
        """Samples taken since the stream began."""
        return self._pushed

    @property
    def given(self) -> int:
        """Samples of effort given since the stream began."""
        return self._pushed if self._ended else max(0, self._pushed - self.card.lookahead)

    def push(self, pose: Array | None, keys: Array | None) -> Array:
        """Take samples of pose (n, P) and keys (n, K); give the effort (n', M) now known.

        A sense that the model does not use is ignored and may be None.
        """
        if self._ended:
            raise RuntimeError("the stream was ended by flush(): reset() starts another")
        rows = check_rows(self.card, {"pose": pose, "keys": keys})
        effort = self._take(rows)
        for sense, values in rows.items():
            if len(values):
                self._last[sense][:] = values[-1]
        return effort

    def flush(self) -> Array:
        """End the stream as one pass does, the last sample held; give what is left."""
        if self._ended:
            raise RuntimeError("the stream has been ended by flush() before")
        pushed = self._pushed
        count = self.card.lookahead if pushed else 0
        held = {sense: np.repeat(row[None], count, axis=0) for sense, row in self._last.items()}
        effort = self._take(held)
        self._pushed, self._ended = pushed, True
        return effort

    def reset(self) -> None:
        """Start another stream: forget everything but the model."""
        for part in (*self._memory, self._ready, *self._last.values()):
            part[:] = 0
        self._pushed = 0
        self._ended = False

    def state(self) -> dict[str, NDArray[Any]]:
        """Give a copy of everything the stream's future depends on."""
        state: dict[str, NDArray[Any]] = {n: part.copy() for n, part in self._parts().items()}
        return state | {
            "pushed": np.array(self._pushed, np.int64),
            "ended": np.array(self._ended),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state that `state()` gave, also in another process with the same model."""
        parts = self._parts()
        shapes = {name: part.shape for name, part in parts.items()} | {"pushed": (), "ended": ()}
        for name, shape in shapes.items():
            if name not in state or np.shape(state[name]) != shape:
                raise ValueError(f"the state's {name!r} does not belong to {self.card.name!r}")
        for name, part in parts.items():
            part[:] = state[name]
        self._pushed = int(state["pushed"])
        self._ended = bool(state["ended"])

    def warm_up(self) -> None:
        """Compile, or load what was compiled before, so that the first hop is as fast as any."""
        before = self.state()
        self.reset()
        count = self.card.lookahead + STRIDE
        quiet = {s: np.zeros((count, len(row)), np.float32) for s, row in self._last.items()}
        self.push(quiet.get("pose"), quiet.get("keys"))
        self.restore(before)

    def _parts(self) -> dict[str, Array]:
        last = {f"last_{sense}": row for sense, row in self._last.items()}
        return {**self._memory._asdict(), "ready": self._ready, **last}

    def _take(self, rows: Mapping[str, Array]) -> Array:
        """Run the frames that end among these samples; give the effort that is due by now."""
        samples = len(next(iter(rows.values())))
        frame = self._frames(self._pushed)
        frames = self._frames(self._pushed + samples) - frame
        first = frame * STRIDE + self._behind - self._pushed
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
        fresh = fresh[max(0, self._ahead - frame) :].reshape(-1, self._ready.shape[1])
        start = self.given
        self._pushed += samples
        waiting = max(0, frame - self._ahead) * STRIDE - start
        known = np.concatenate([self._ready[STRIDE - waiting :], fresh])
        if len(fresh):
            self._ready[:] = fresh[-STRIDE:]
        return known[: self.given - start]

    def _frames(self, samples: int) -> int:
        """How many frames end within so many samples."""
        return max(0, (samples - self._behind + STRIDE - 1) // STRIDE)
