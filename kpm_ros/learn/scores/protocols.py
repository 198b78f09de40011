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

"""The two ways in which a recording is estimated before it is scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings.on_grid import GridRecording, misfit
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import blank

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.models.trained import Trained

Array = NDArray[np.float32]
Estimate = Callable[["Trained", GridRecording], Array]


def check_fit(card: ModelCard, dataset: DataSet, name: str) -> None:
    """Refuse a model that cannot estimate a data set's recordings."""
    if tuple(card.muscles) != tuple(dataset.muscles):
        raise ValueError(
            f"{name} estimates {', '.join(card.muscles)}, and the data set has "
            f"{', '.join(dataset.muscles)}: their scores cannot be compared"
        )
    had = dataset.streams
    for stream in card.streams:
        if stream.name not in had.names:
            if stream.sense in card.optional:
                continue
            raise ValueError(
                f"{name} needs the stream {stream.name!r}, and the data set has "
                f"{', '.join(had.names)}"
            )
        fault = misfit(had[stream.name], stream)
        if fault:
            raise ValueError(f"{name} cannot use the data set: its stream {stream.name!r} {fault}")


def given(card: ModelCard, recording: GridRecording, without: str = "") -> Array:
    """Give what a model is given of a whole recording, if need be without one sense throughout."""
    values, missing, _ = recording.window()
    if without:
        missing = missing | np.uint32(card.streams.bits(without))
    return blank(values, missing, card)


def estimate_continuous(model: Trained, recording: GridRecording) -> Array:
    """Estimate a whole recording in one stream."""
    return model.estimate(given(model.card, recording))


def estimate_in_windows(model: Trained, recording: GridRecording) -> Array:
    """Estimate each whole second by itself; what is left over at the end is not estimated.

    Each window's first and last frame are put on its first and last sample. A model that was
    published on windows of its own is given those, with frames at their own times.
    """
    if model.architecture.own_windows:
        return _in_own_windows(model, recording)
    second = recording.rate_hz
    starts = range(0, len(recording) - second + 1, second)
    if not starts:
        raise ValueError(
            f"{recording.name} is shorter than a second, the least that windows can be cut from"
        )
    return np.concatenate(
        [model.estimate_alone(recording.stretched(start, start + second)) for start in starts]
    )


def _in_own_windows(model: Trained, recording: GridRecording) -> Array:
    window = model.architecture.window(model.card) or len(recording)
    rows = given(model.card, recording)
    starts = range(0, len(rows) - window + 1, window)
    if not starts:
        raise ValueError(
            f"{recording.name} has {len(rows)} samples at {recording.rate_hz} Hz, fewer than a "
            f"window of {model.card.name}, which has {window}"
        )
    return np.concatenate([model.estimate_alone(rows[start : start + window]) for start in starts])


PROTOCOLS: dict[str, tuple[str, Estimate]] = {
    "continuous": (
        "the whole recording in one stream, as the live pipeline runs it",
        estimate_continuous,
    ),
    "published": (
        "separate windows of a second, or of the model's own length, each from nothing, as the "
        "published code does",
        estimate_in_windows,
    ),
}
"""Each in words, and how it is done."""
