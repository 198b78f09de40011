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

"""Models by name or path, and what settings make of them; refused in words for the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.aligner_config import AlignerConfig, Frame
from kpm_ros.core.foreign_files import MODEL_BYTES, digest
from kpm_ros.core.hands import check_pictures
from kpm_ros.core.registration import Registration
from kpm_ros.core.resources import find_model
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.core.sides import RIGHT
from kpm_ros.core.subjects import subject_of
from kpm_ros.estimate.estimator import EffortEstimator, Network
from kpm_ros.estimate.familiarity import strange_room
from kpm_ros.estimate.two_hands import Estimator, HandsEstimator
from kpm_ros.models import weight_files
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.hands import card_of_hand
from kpm_ros.models.registry import architecture_of
from kpm_ros.nodes.effort_settings import InferenceSettings, SynchronizerSettings
from kpm_ros.nodes.registrations import read_registration


def model_path(name: str) -> Path:
    """Path of a model's weights file."""
    try:
        return find_model(name)
    except FileNotFoundError as error:
        raise ConfigurationError(f"model: {error}") from None


def read_card(name: str) -> ModelCard:
    """A model's card, without its weights."""
    path = model_path(name)
    try:
        return weight_files.read_card(path)
    except ValueError as error:
        raise ConfigurationError(f"model: {error}") from None


def read_card_of_hand(name: str, hand: str) -> ModelCard:
    """What a model is given and gives where it is used for this hand, or for both."""
    return _of_hand(read_card(name), hand)


def _of_hand(card: ModelCard, hand: str) -> ModelCard:
    """Refuse a hand that a model is not for, in words of the parameters."""
    try:
        return card_of_hand(card, hand)
    except CardError as error:
        raise ConfigurationError(f"hand: {error}") from None


def aligner_config(
    settings: SynchronizerSettings, registration: Registration | None = None
) -> AlignerConfig:
    """The grid and its rules, as a model and the synchronizer's settings want them.

    A registration is given where it is not that of the settings' file.
    """
    own = read_card(settings.model)
    card = _of_hand(own, settings.hand)
    registration = registration or read_registration(settings.registration)
    check_pictures(card.streams, settings.hand, registration)
    subject = subject_of(card.streams)
    needed = {} if subject is None else subject.needed_points(card.streams, card.muscles)
    architecture = architecture_of(own)
    stride = architecture.span(own).stride if architecture.live else 1
    return AlignerConfig(
        streams=card.streams,
        rate_hz=card.rate_hz,
        needed=needed,
        frame=Frame(stride, card.lookahead % stride),
        registration=registration,
        strange=strange_room(card.familiar, registration),
        familiar=card.familiar,
        **vars(settings.align),
    )


def estimator(
    settings: InferenceSettings, may_go_on: Callable[[], None] = lambda: None
) -> Estimator:
    """Load a model, ready to run: compiled and warm; `may_go_on` can end it between the steps."""
    card, tensors = load(settings.model)
    _of_hand(card, settings.hand)

    def of_one_hand() -> EffortEstimator:
        may_go_on()
        network = architecture_of(card).stream(card, tensors)
        may_go_on()
        network.warm_up()
        may_go_on()
        return around(network, card, settings)

    if settings.hand == RIGHT:
        return of_one_hand()
    return HandsEstimator(card, settings.hand, of_one_hand)


def load(name: str) -> tuple[ModelCard, dict[str, NDArray[np.float32]]]:
    """A model's card and weights."""
    path = model_path(name)
    try:
        return weight_files.load_model(path)
    except ValueError as error:
        raise ConfigurationError(f"model: {error}") from None


def around(network: Network, card: ModelCard, settings: InferenceSettings) -> EffortEstimator:
    """The estimator around a network, as the inference node's settings want it."""
    subject = subject_of(card.streams)
    begins_anew = subject is not None and subject.begins_anew
    return EffortEstimator(card, network, begins_anew=begins_anew, **vars(settings.gaps))


def sha256(path: Path) -> str:
    """Fingerprint of a weights file."""
    return digest(path, MODEL_BYTES)
