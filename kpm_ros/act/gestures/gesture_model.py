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

"""A gesture model: which signals it takes, how it tells gestures apart, and its file.

A model file is safetensors with a card in JSON, so that reading it can run no code. scikit-learn
fits what is in it; here it is only evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from kpm_ros.act.gestures.features import FEATURES, feature_count, measure
from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.act.muscle_weights import require_names
from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.plain_data import from_plain
from kpm_ros.core.settings import ConfigurationError, check_number
from kpm_ros.models.weight_files import ModelFileError, load_tensors, read_metadata

Array = NDArray[np.float64]
Signal = Literal["emg", "effort", "landmarks"]
Classifier = Literal["linear", "kernel"]

VERSION = 1
KIND = "kpm_ros gestures"
"""In the file's metadata: what no network's file says."""
MOST_SAMPLES, MOST_FEATURES, MOST_SUPPORT = 1 << 16, 1 << 16, 1 << 17
"""Of a window, a row of features, and a kernel's support vectors: more is no model of gestures."""


@dataclass(frozen=True)
class Input:
    """One signal that a model takes, and what it measures of it."""

    signal: Signal
    channels: tuple[str, ...]
    rate_hz: float
    window: int
    """Samples of a window."""
    step: int
    """Samples from one window to the next; of the first input, between decisions."""
    features: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        require_names(f"channels of {self.signal}", self.channels)
        check_number("rate_hz", self.rate_hz, above=0)
        check_number("step", self.step, least=1, most=MOST_SAMPLES)
        unknown = [name for name in self.features if name not in FEATURES]
        if unknown or not self.features:
            raise ConfigurationError(
                f"features of {self.signal} are {', '.join(self.features) or '(none)'}, but must "
                f"be of: {', '.join(FEATURES)}"
            )
        least = max(FEATURES[name].least for name in self.features)
        check_number(f"window of {self.signal} (samples)", self.window, least=least)
        check_number(f"window of {self.signal} (samples)", self.window, most=MOST_SAMPLES)

    @property
    def size(self) -> int:
        """Numbers in a row of its features."""
        return feature_count(self.features, len(self.channels))


@dataclass(frozen=True)
class DecisionRules:
    """How windows become a gesture that begins and ends."""

    votes: int = 2
    """The newest windows whose probabilities are averaged."""
    sure: float = 0.98
    """Probability from which a gesture may begin, where its rejection does not ask for more."""
    hold: int = 2
    """It begins when so many windows in a row say so."""
    settle_s: float = 0.14
    """It begins after rest no sooner than windows have not been rest for so long: the first still
    hold some of the rest, and are easily taken for another gesture."""
    release: int = 5
    """It ends, or gives way to another, when so many in a row say the same other thing."""

    def __post_init__(self) -> None:
        """Refuse what would never decide."""
        for name in ("votes", "hold", "release"):
            check_number(name, getattr(self, name), least=1, most=1000)
        check_number("sure", self.sure, least=0.0, most=1.0)
        check_number("settle_s", self.settle_s, least=0.0, most=10.0)


@dataclass(frozen=True)
class GestureCard:
    """Everything about a gesture model but its numbers."""

    gestures: tuple[str, ...]
    """In the order of the model's answers; one of them is "none": rest."""
    inputs: tuple[Input, ...]
    classifier: Classifier
    simulated: bool
    """Whether it was trained on simulated people."""
    trained_on: str
    people: tuple[str, ...] = ()
    executions: int = 0
    reject_rate: float = 0.0
    """Share of a gesture's own windows that is given up to be surer of the others."""
    decision: DecisionRules = field(default_factory=DecisionRules)
    version: int = VERSION

    def __post_init__(self) -> None:
        """Refuse what is no model."""
        require_names("gestures", self.gestures)
        if self.version != VERSION:
            raise ConfigurationError(f"version is {self.version}, but this program reads {VERSION}")
        if NO_GESTURE not in self.gestures or len(self.gestures) < 2:
            raise ConfigurationError(
                f"gestures are {', '.join(self.gestures)}, but must be {NO_GESTURE} and others"
            )
        signals = [each.signal for each in self.inputs]
        if not signals or len(set(signals)) != len(signals):
            raise ConfigurationError(f"inputs are {signals}, but must be one or several signals")
        check_number("features", self.size, most=MOST_FEATURES)
        check_number("reject_rate", self.reject_rate, least=0.0, most=0.5)

    @property
    def size(self) -> int:
        """Numbers in a row of features."""
        return sum(each.size for each in self.inputs)

    @property
    def rest(self) -> int:
        """Which answer is rest."""
        return self.gestures.index(NO_GESTURE)

    def input_of(self, signal: str) -> Input | None:
        """What it takes of a signal; None where it takes nothing."""
        return next((each for each in self.inputs if each.signal == signal), None)


class GestureModel:
    """Tells gestures apart by features of windows, as its card and its numbers say."""

    def __init__(self, card: GestureCard, tensors: Mapping[str, NDArray[np.generic]]) -> None:
        """Take a model's numbers; a ConfigurationError says what does not fit the card."""
        self.card = card
        self.tensors = {
            name: np.array(each, np.float64, order="C") for name, each in tensors.items()
        }
        _check(card, tensors)
        self.reject = self.tensors["reject"]
        """Probability below which a gesture is not believed, of each."""

    def measure(self, windows: Sequence[Array]) -> Array:
        """Features of windows of each input (n, samples, channels), as rows."""
        return measured(self.card.inputs, windows)

    def probabilities(self, features: Array) -> Array:
        """How likely each gesture is, (n, gestures)."""
        values = (features - self.tensors["mean"]) / self.tensors["scale"]
        if self.card.classifier == "linear":
            scores = values @ self.tensors["weight"] + self.tensors["bias"]
        else:
            scores = self._kernel_scores(values)
        scores = scores - scores.max(axis=1, keepdims=True)
        likely = np.exp(self.tensors["sureness"] * scores)
        return likely / likely.sum(axis=1, keepdims=True)

    def strength(self, window: Array, gesture: int) -> float:
        """How strongly, 0..1, by the first input's window (samples, channels)."""
        away = np.linalg.norm(levels(window[None])[0] - self.tensors["rest_level"])
        return float(min(away / self.tensors["strong"][gesture], 1.0))

    def _kernel_scores(self, values: Array) -> Array:
        """Scores of a support vector machine with a Gaussian kernel, one against one.

        Votes of the pairs, and their margins where votes are equal, as scikit-learn has it.
        """
        support, duals = self.tensors["support"], self.tensors["dual"]
        apart = (
            np.square(values).sum(axis=1)[:, None]
            + np.square(support).sum(axis=1)
            - 2 * values @ support.T
        )
        near = np.exp(-self.tensors["gamma"] * np.maximum(apart, 0))
        ends = np.cumsum(self.tensors["counts"]).astype(int)
        parts = [
            slice(end - int(n), end) for end, n in zip(ends, self.tensors["counts"], strict=True)
        ]
        count = len(parts)
        votes, margins = np.zeros((len(values), count)), np.zeros((len(values), count))
        pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
        for (i, j), constant in zip(pairs, self.tensors["intercept"], strict=True):
            margin = near[:, parts[i]] @ duals[j - 1, parts[i]]
            margin += near[:, parts[j]] @ duals[i, parts[j]] + constant
            votes[:, i] += margin > 0
            votes[:, j] += margin <= 0
            margins[:, i] += margin
            margins[:, j] -= margin
        return votes + margins / (3 * (np.abs(margins) + 1))

    def save(self, path: Path) -> None:
        """Write the model, whole or not at all."""
        metadata = {"kind": KIND, "card": json.dumps(asdict(self.card))}
        write_atomically(path, save(self.tensors, metadata=metadata))

    @classmethod
    def load(cls, path: Path | str) -> GestureModel:
        """Read a model; a ModelFileError says in a sentence why a file is none."""
        metadata = read_metadata(path)
        if not isinstance(metadata, dict) or metadata.get("kind") != KIND:
            raise ModelFileError(f"{path} is no gesture model: `kpm train-gestures` makes them")
        try:
            card = from_plain(GestureCard, json.loads(str(metadata.get("card"))), "its card")
            return cls(card, load_tensors(path))
        except (ValueError, RecursionError) as error:
            raise ModelFileError(f"{path} is no gesture model that can be used: {error}") from None


def measured(inputs: Sequence[Input], windows: Sequence[Array]) -> Array:
    """Features of windows of each input (n, samples, channels), as rows."""
    rows = [measure(each, taken.features) for each, taken in zip(windows, inputs, strict=True)]
    return np.concatenate(rows, axis=1)


def tempered(probabilities: Array, sureness: float) -> Array:
    """Probabilities whose logarithms are multiplied: below 1, none is as sure as before."""
    raised = probabilities**sureness
    return raised / raised.sum(axis=1, keepdims=True)


def levels(windows: Array) -> Array:
    """How much of each channel there is in each window, (windows, channels)."""
    return np.sqrt(np.square(windows).mean(axis=1))


def _check(card: GestureCard, tensors: Mapping[str, NDArray[np.generic]]) -> None:
    """See that the numbers are those that the card asks for, all finite."""
    for name, shape in _shapes(card, tensors).items():
        if name not in tensors:
            raise ConfigurationError(f"the tensor {name!r} is missing")
        array = tensors[name]
        if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ConfigurationError(
                f"the tensor {name!r} is {array.dtype} of the shape {array.shape}, but must be "
                f"finite numbers of the shape {shape}"
            )
    for name in ("scale", "strong", "sureness"):
        if not (np.asarray(tensors[name], np.float64) > 0).all():
            raise ConfigurationError(f"the tensor {name!r} has values that are not above 0")
    if card.classifier == "kernel":
        counts = np.asarray(tensors["counts"], np.float64)
        whole = (counts >= 0).all() and (counts == counts.round()).all()
        if not whole or counts.sum() != len(tensors["support"]):
            raise ConfigurationError("the tensor 'counts' does not count the support vectors")


def _shapes(
    card: GestureCard, tensors: Mapping[str, NDArray[np.generic]]
) -> dict[str, tuple[int, ...]]:
    size, count = card.size, len(card.gestures)
    shapes: dict[str, tuple[int, ...]] = {
        "mean": (size,),
        "scale": (size,),
        "reject": (count,),
        "sureness": (),
        "rest_level": (len(card.inputs[0].channels),),
        "strong": (count,),
    }
    if card.classifier == "linear":
        return {**shapes, "weight": (size, count), "bias": (count,)}
    held = tensors["dual"].shape[-1] if "dual" in tensors and tensors["dual"].ndim else 0
    check_number("support vectors", held, least=1, most=MOST_SUPPORT)
    return {
        **shapes,
        "support": (held, size),
        "dual": (count - 1, held),
        "counts": (count,),
        "intercept": (count * (count - 1) // 2,),
        "gamma": (),
    }
