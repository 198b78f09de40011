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

"""Training of gesture models: scikit-learn fits, and what it found is kept as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.gestures.decision import voted
from kpm_ros.act.gestures.features import FEATURES
from kpm_ros.act.gestures.gesture_model import (
    DecisionRules,
    GestureCard,
    GestureModel,
    Input,
    tempered,
)
from kpm_ros.core.settings import ConfigurationError, check_choice, check_number
from kpm_ros.learn.gestures.executions import Array, ExecutionSet
from kpm_ros.learn.gestures.fitting import fit_lda, fit_svm, linear, strengths
from kpm_ros.learn.gestures.rows import Rows, rows_of

CLASSIFIERS = ("lda", "svm")
USUAL_FEATURES: Mapping[str, tuple[str, ...]] = {
    "emg": ("td_psd", "covariance"),
    "effort": ("mean", "change"),
    "landmarks": ("mean", "change"),
}
PEOPLE = 3
"""With so many or more, a model is judged by people whom it has not seen; else by repetitions."""
CERTAIN = 1e-6
"""A probability is not taken for smaller when models are judged."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a gesture model is trained; the defaults were chosen by held-out repetitions."""

    features: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: USUAL_FEATURES)
    """Of each signal; a signal that is not there is not used."""
    classifier: str = "lda"
    shrinkage: float = 0.2
    """Of LDA's covariance, towards its mean variance: the more, the less it trusts its training."""
    penalty: float = 10.0
    """Of a support vector machine."""
    window_s: float = 0.2
    step_s: float = 0.02
    onset_s: float = 0.1
    """How much of a gesture a window must hold to be learnt from; before it is rest."""
    reject_rate: float = 0.02
    decision: DecisionRules = field(default_factory=DecisionRules)

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        check_choice("classifier", self.classifier, CLASSIFIERS)
        check_number("window_s", self.window_s, least=0.01, most=5.0)
        check_number("step_s", self.step_s, least=0.001, most=self.window_s)
        check_number("shrinkage", self.shrinkage, least=0.0, most=1.0)
        check_number("penalty", self.penalty, above=0)
        check_number("reject_rate", self.reject_rate, least=0.0, most=0.5)

    def inputs(self, recorded: ExecutionSet) -> tuple[Input, ...]:
        """What a model takes of these recordings."""
        found = []
        for signal, features in self.features.items():
            if signal in recorded.channels:
                rate_hz = recorded.rates[signal]
                least = max(FEATURES[name].least for name in features if name in FEATURES)
                window = max(round(self.window_s * rate_hz), least)
                step = max(round(self.step_s * rate_hz), 1)
                found.append(
                    Input(signal, recorded.channels[signal], rate_hz, window, step, features)  # type: ignore[arg-type]
                )
        if not found:
            raise ConfigurationError(
                f"there is none of the signals {', '.join(self.features)} in the recordings, which "
                f"have {', '.join(recorded.channels) or 'nothing'}"
            )
        return tuple(found)


Listener = Callable[[str], None]
"""Is told what was done."""


def train(
    recorded: ExecutionSet,
    settings: TrainingSettings | None = None,
    listener: Listener = lambda _: None,
) -> GestureModel:
    """Train a model on recorded executions; a ConfigurationError says why there can be none.

    How sure it is, and what it rejects, is set by executions that were held out in turn.
    """
    settings = settings or TrainingSettings()
    recorded.require_trainable()
    inputs, gestures = settings.inputs(recorded), recorded.gestures
    rows = rows_of(recorded, inputs, gestures, settings.onset_s)
    weights = _alike(recorded)
    folds = folds_of(recorded)
    held_out = np.full((len(rows.answers), len(gestures)), np.nan)
    for fold in np.unique(folds):
        tested = folds[rows.execution] == fold
        tensors = _fit(rows.of(~tested), len(gestures), settings, weights)
        held_out[tested] = _model(recorded, settings, inputs, tensors).probabilities(
            rows.features[tested]
        )
        listener(f"without part {fold + 1}")
    tensors = _fit(rows, len(gestures), settings, weights)
    sureness = _sureness(held_out, rows.answers)
    tensors["sureness"] = np.array(sureness)
    tensors["reject"] = thresholds(rows, tempered(held_out, sureness), settings)
    return _model(recorded, settings, inputs, tensors)


def train_baseline(recorded: ExecutionSet) -> GestureModel:
    """What others must beat: Hudgins' features of raw EMG, and linear discriminant analysis.

    Windows of 200 ms every 50 ms, neither standardised, regularised nor rejected.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    recorded.require_trainable()
    settings = TrainingSettings({"emg": ("hudgins",)}, step_s=0.05, reject_rate=0.0)
    inputs, gestures = settings.inputs(recorded), recorded.gestures
    rows = rows_of(recorded, inputs, gestures, settings.window_s)
    lda = LinearDiscriminantAnalysis().fit(rows.features, rows.answers)
    tensors = strengths(rows, len(gestures)) | linear(lda)
    size = rows.features.shape[1]
    tensors |= {"mean": np.zeros(size), "scale": np.ones(size)}
    return _model(recorded, settings, inputs, tensors)


def thresholds(rows: Rows, held_out: Array, settings: TrainingSettings) -> Array:
    """Of each gesture, the probability below which it is rejected, at the stated rate.

    Conformal, a gesture at a time: of windows that the model was not fitted to, the stated share
    lies below, and so it will of new ones like them.
    """
    together = np.empty_like(held_out)
    for execution in np.unique(rows.execution):
        mine = rows.execution == execution
        together[mine] = voted(held_out[mine], settings.decision.votes)
    found = np.zeros(held_out.shape[1])
    for gesture in range(len(found)):
        own = np.sort(together[rows.answers == gesture, gesture])
        allowed = int(settings.reject_rate * (len(own) + 1))
        found[gesture] = own[allowed - 1] if allowed else 0.0
    return found


def _sureness(held_out: Array, answers: NDArray[np.int64]) -> float:
    """By what logarithms of probabilities are multiplied to be as sure as they are right."""

    def score(sureness: float) -> float:
        own = tempered(held_out, sureness)[np.arange(len(answers)), answers]
        return float(np.log(np.maximum(own, CERTAIN)).mean())

    return max(np.geomspace(0.05, 2.0, 40).tolist(), key=score)


def folds_of(recorded: ExecutionSet) -> NDArray[np.int64]:
    """Which executions are held out together."""
    if len(recorded.people) >= PEOPLE:
        keys: list[Any] = [each.person for each in recorded.executions]
    else:
        keys = [each.repetition for each in recorded.executions]
    return np.unique(np.array(keys), return_inverse=True)[1]


def _alike(recorded: ExecutionSet) -> NDArray[np.int64]:
    """How often each execution counts, so that each day of a gesture counts about alike."""
    of = [(each.gesture, each.person, each.day, each.posture) for each in recorded.executions]
    counts = Counter(of)
    most = {
        gesture: max(n for key, n in counts.items() if key[0] == gesture)
        for gesture in recorded.gestures
    }
    return np.array([max(round(most[key[0]] / counts[key]), 1) for key in of])


def _fit(
    rows: Rows, count: int, settings: TrainingSettings, weights: NDArray[np.int64]
) -> dict[str, Array]:
    """Fit a classifier to standardised features; gives a model's numbers."""
    chosen = np.repeat(np.arange(len(rows.answers)), weights[rows.execution])
    features, answers = rows.features[chosen], rows.answers[chosen]
    if len(np.unique(answers)) < count:
        raise ConfigurationError(
            "a gesture's executions all have one number of repetition: number them from 1"
        )
    scale = features.std(axis=0)
    tensors = {"mean": features.mean(axis=0), "scale": np.where(scale > 0, scale, 1.0)}
    values = (features - tensors["mean"]) / tensors["scale"]
    fitted = (
        fit_lda(values, answers, settings.shrinkage)
        if settings.classifier == "lda"
        else fit_svm(values, answers, settings.penalty)
    )
    return {**tensors, **fitted, **strengths(rows, count)}


def _model(
    recorded: ExecutionSet,
    settings: TrainingSettings,
    inputs: tuple[Input, ...],
    tensors: Mapping[str, Array],
) -> GestureModel:
    card = GestureCard(
        gestures=recorded.gestures,
        inputs=inputs,
        classifier="linear" if settings.classifier == "lda" else "kernel",
        simulated=recorded.simulated,
        trained_on=recorded.origin,
        people=recorded.people,
        executions=len(recorded.executions),
        reject_rate=settings.reject_rate,
        decision=settings.decision,
    )
    return GestureModel(card, tensors)
