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

"""The baselines of Muscles in Action: the training window that looks most alike, or any."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import ANY_SIZE, Shapes
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import NO_EXAMPLES, Array, Tensors, filled, mean_effort
from kpm_ros.models.mia.published import PERSON, WINDOW
from kpm_ros.models.sliding_window import Evaluate

if TYPE_CHECKING:
    from kpm_ros.models.examples import Example

Finder = Callable[[Array, Array, NDArray[np.bool_]], NDArray[np.intp]]
"""Finds for flattened windows (B, N) which of the training data's (K, N) to take, of those that may
be (B, K)."""


def shapes(card: ModelCard) -> Shapes:
    """List the tensors: windows of any number, flattened, and what was measured in each."""
    return {
        "windows": (ANY_SIZE, WINDOW * card.streams.width),
        "effort": (ANY_SIZE, WINDOW * len(card.muscles)),
    }


def fit(
    card: ModelCard, training: Sequence[Example], choosing: Sequence[Example], seed: int
) -> tuple[ModelCard, dict[str, Array]]:
    """Keep all separate windows of the training data in which some effort is known."""
    windows, efforts = [], []
    mean = mean_effort(training)
    for example in training:
        rows, effort = example.values(), np.asarray(example.effort, np.float32)
        for start in range(0, len(effort) - WINDOW + 1, WINDOW):
            measured = effort[start : start + WINDOW]
            if np.isfinite(measured).any():
                windows.append(rows[start : start + WINDOW].reshape(-1))
                efforts.append(filled(measured, mean).reshape(-1))
    if not windows:
        raise ValueError(f"{NO_EXAMPLES}: none is as long as a window of {WINDOW} samples")
    return card, {"windows": np.stack(windows), "effort": np.stack(efforts)}


def evaluator(card: ModelCard, tensors: Tensors, find: Finder) -> Evaluate:
    """Make what gives each window the effort of one of the training data's.

    Where a person is told, only windows of that person are looked among, if there are any. A window
    shorter than those of the training data is compared with their last part.
    """
    columns = card.streams.columns
    told = columns.get(PERSON, slice(0, 0))
    seen = [k for k in range(card.streams.width) if not told.start <= k < told.stop]
    windows = tensors["windows"].reshape(-1, WINDOW, card.streams.width)
    effort = tensors["effort"].reshape(-1, WINDOW, len(card.muscles))
    persons = windows[:, -1, told]

    @lru_cache(maxsize=1)
    def flattened(length: int) -> Array:
        return np.ascontiguousarray(windows[:, -length:, seen]).reshape(len(windows), -1)

    def evaluate(asked: Array) -> Array:
        length = min(asked.shape[1], WINDOW)
        mine = np.ascontiguousarray(asked[:, -length:, seen]).reshape(len(asked), -1)
        may = np.ones((len(asked), len(windows)), bool)
        if persons.shape[1]:
            same = np.isclose(asked[:, -1, told][:, None], persons[None], atol=1e-3).all(axis=2)
            may = same | ~same.any(axis=1, keepdims=True)
        found: Array = effort[find(mine, flattened(length), may)][:, -length:]
        ahead = asked.shape[1] - length
        return np.concatenate([np.repeat(found[:, :1], ahead, axis=1), found], axis=1)

    return evaluate


def nearest(asked: Array, windows: Array, may: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find the least Euclidean distance over all numbers of a window."""
    half_square = np.einsum("kn,kn->k", windows, windows) / 2
    distance = half_square - asked @ windows.T
    return np.asarray(np.argmin(np.where(may, distance, np.inf), axis=1))


def drawn(asked: Array, windows: Array, may: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Draw a window by chance; the same is drawn for the same."""
    found = []
    for one, allowed in zip(asked, may, strict=True):
        places = np.flatnonzero(allowed)
        random = np.random.default_rng(zlib.crc32(np.float32(one).tobytes()))
        found.append(int(random.choice(places)))
    return np.asarray(found, np.intp)
