"""The network sample by sample: what one pass over the whole signal gives, as soon as it can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.inputs import check_rows
from kpm_ros.estimate.layers import run_decoder, run_layers
from kpm_ros.estimate.layout import input_channels, structure_of
from kpm_ros.estimate.plan import BLOCK, make_plan
from kpm_ros.estimate.weights import check_tensors

Array = NDArray[np.float32]


class StreamingEstimator:
    """Grid samples in, effort out `card.lookahead` samples later, in hops of any size.

    Computes every layer once per sample. All memory is taken at the start; a long run neither
    grows nor drifts, because nothing is summed up over time.
    """

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        check_tensors(card, tensors)
        structure = structure_of(card)
        self.card = card
        self._plan = make_plan(card, tensors)
        self._hidden = structure.hidden
        self._slope = np.float32(structure.slope)
        self._memory = np.zeros(self._plan.memory_size, np.float32)
        self._scratch = np.zeros((2, self._plan.scratch_size), np.float32)
        self._previous = np.zeros(len(card.muscles), np.float32)
        self._pushed = 0
        self._ended = False
        self._senses = [
            (sense, input_channels(card, sense), place)
            for sense, place in self._plan.inputs.items()
        ]
        self._offset = np.asarray(card.pose_offset, np.float32)
        self._gain = np.float32(1) / np.asarray(card.pose_scale, np.float32)

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
        rows = list(check_rows(self.card, {"pose": pose, "keys": keys}).values())
        samples = len(rows[0])
        known = max(0, self._pushed + samples - self.card.lookahead)
        effort = np.empty((known - self.given, len(self._previous)), np.float32)
        done = 0
        for start in range(0, samples, BLOCK):
            fresh = min(BLOCK, samples - start)
            for (sense, width, place), values in zip(self._senses, rows, strict=True):
                block = self._memory[place : place + fresh * width].reshape(fresh, width)
                block[:] = values[start : start + fresh]
                if sense == "pose":
                    self._normalise(block)
            done += self._advance(fresh, False, effort[done:])
            self._pushed += fresh
        return effort

    def flush(self) -> Array:
        """End the stream as one pass does, with zeros in place of the future; give what is left."""
        if self._ended:
            raise RuntimeError("the stream has been ended by flush() before")
        effort = np.empty((self._pushed - self.given, len(self._previous)), np.float32)
        self._advance(0, True, effort)
        self._ended = True
        return effort

    def reset(self) -> None:
        """Start another stream: forget everything but the model."""
        self._memory[:] = 0
        self._previous[:] = 0
        self._pushed = 0
        self._ended = False

    def state(self) -> dict[str, NDArray[Any]]:
        """Give a copy of everything the stream's future depends on."""
        return {
            "history": np.concatenate([part.copy() for part in self._history()]),
            "effort": self._previous.copy(),
            "pushed": np.array(self._pushed, np.int64),
            "ended": np.array(self._ended),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state that `state()` gave, also in another process with the same model."""
        parts = self._history()
        sizes = [part.size for part in parts]
        effort = self._previous.shape
        shapes = {"history": (sum(sizes),), "effort": effort, "pushed": (), "ended": ()}
        for name, shape in shapes.items():
            if name not in state or np.shape(state[name]) != shape:
                raise ValueError(f"the state's {name!r} does not belong to {self.card.name!r}")
        pieces = np.split(state["history"], np.cumsum(sizes)[:-1])
        for part, piece in zip(parts, pieces, strict=True):
            part[:] = piece
        self._previous[:] = state["effort"]
        self._pushed = int(state["pushed"])
        self._ended = bool(state["ended"])

    def warm_up(self) -> None:
        """Compile, or load what was compiled before, so that the first hop is as fast as any."""
        before = self.state()
        quiet = {s: np.zeros((BLOCK, width), np.float32) for s, width, _ in self._senses}
        self.reset()
        self.push(quiet.get("pose"), quiet.get("keys"))
        self.flush()
        self.restore(before)

    def _normalise(self, block: Array) -> None:
        if self._offset.size:
            block -= self._offset
        if self._gain.size:
            block *= self._gain

    def _advance(self, fresh: int, ends: bool, effort: Array) -> int:
        """Run the network over the rows just laid down; returns how many outputs it gave."""
        plan = self._plan
        first, second = self._scratch
        rows = run_layers(
            plan.layers, plan.weights, plan.params, self._memory, first, second,
            self._pushed, fresh, ends,
        )  # fmt: skip
        drive = self._memory[plan.drive : plan.drive + rows * self._hidden]
        run_decoder(
            rows, drive.reshape(rows, self._hidden), self._previous, plan.weights,
            plan.decoder_weights, plan.decoder_params, self._slope, effort,
        )  # fmt: skip
        return int(rows)

    def _history(self) -> list[Array]:
        """Views of what each layer remembers."""
        return [
            self._memory[layer["source"] : layer["source"] + (layer["kernel"] - 1) * layer["width"]]
            for layer in self._plan.layers
            if layer["kernel"] > 1
        ]
