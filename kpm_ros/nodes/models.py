"""Models by name or path, refused in words for the user."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kpm_ros.estimate import weights
from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.estimate.streaming import StreamingEstimator
from kpm_ros.nodes.settings import ConfigurationError, InferenceSettings
from kpm_ros.resources import find_model


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
        return weights.read_card(path)
    except ValueError as error:
        raise ConfigurationError(f"model: {error}") from None


def estimator(settings: InferenceSettings) -> EffortEstimator:
    """Load a model, ready to run: compiled and warm."""
    path = model_path(settings.model)
    try:
        card, tensors = weights.load_model(path)
    except ValueError as error:
        raise ConfigurationError(f"model: {error}") from None
    network = StreamingEstimator(card, tensors)
    network.warm_up()
    return EffortEstimator(
        card, network, bridge_s=settings.bridge_s, warm_up_s=settings.warm_up_s
    )


def sha256(path: Path) -> str:
    """Fingerprint of a weights file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
