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

"""What a training says about its result: scores, and how the model came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import seen_of
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.scores.metrics import mean_correlation, mean_interval, rmse
from kpm_ros.learn.scores.protocols import given
from kpm_ros.learn.scores.score_table import METRICS, RecordingScore
from kpm_ros.learn.scores.scored_models import ScoredModel
from kpm_ros.learn.scores.scoring import met, score_all
from kpm_ros.learn.training.run_folder import EFFORT_LOSSES
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import mean_effort
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained

SIMULATED_ONLY = "SIMULATED people and muscles only: it says nothing about people."
SCORED = ("val", "test", "test_cross_user", "test_cross_task")
_DIGITS = 4

ScoresBySplit = dict[str, dict[str, Any]]


def evenly(names: Sequence[str], dataset: DataSet, minutes: float) -> list[str]:
    """Choose recordings of a split evenly, until they are so many minutes long; at least one."""
    if not names:
        return []
    length_s = max(dataset.recording(names[0]).duration_s, 1e-3)
    count = min(len(names), max(1, round(minutes * 60 / length_s)))
    places = np.linspace(0, len(names) - 1, count).round().astype(int)
    return [names[i] for i in dict.fromkeys(places.tolist())]


def scores_of(model: Trained, dataset: DataSet, settings: Settings) -> ScoresBySplit:
    """Score a model as its file has it on every split but the one it was trained on.

    In the protocol that fits how it was trained, beside the mean of the training data, and without
    each sense that it can do without.
    """
    known = {split: met(model, dataset, split) for split in SCORED if dataset.splits.get(split)}
    unmet = {
        split: [name for name in dataset.splits[split] if name not in left_out]
        for split, left_out in known.items()
    }
    chosen = {
        split: tuple(evenly(names, dataset, settings.score_minutes))
        for split, names in unmet.items()
    }
    part = dataset.part(chosen)
    windows = settings.pose_timing == "window" or model.architecture.own_windows
    protocol = "published" if windows else "continuous"
    training = evenly(dataset.splits["train"], dataset, settings.score_minutes)
    mean = mean_effort(dataset.on_grid(training, model.card))
    found = score_all(part, [ScoredModel("model", model)], list(chosen), protocol)
    result: ScoresBySplit = {}
    for split, names in chosen.items():
        recordings = dataset.on_grid(names, model.card)
        scores: dict[str, Any] = {}
        if recordings:
            scores = {
                **_summary(found["model"][split].recordings),
                "baseline_mean_rmse": _mean(_error_of(mean, one) for one in recordings),
                **_without(model, recordings),
            }
        result[split] = {
            **scores,
            "recordings": len(names),
            "of": len(dataset.splits[split]),
            "seen_in_training": known[split],
            "protocol": protocol,
        }
    return result


def _error_of(mean: NDArray[np.float64], one: GridRecording) -> float:
    """RMSE of always estimating the mean."""
    return rmse(one.effort, np.broadcast_to(mean, one.effort.shape))


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), _DIGITS)


def _summary(scores: Sequence[RecordingScore]) -> dict[str, float]:
    """Give each measure's mean over recordings and its interval of 95 %."""
    summary = {}
    for measure in METRICS:
        interval = mean_interval([getattr(one, measure) for one in scores])
        summary[measure] = round(interval.mean, _DIGITS)
        summary[f"{measure}_low"] = round(interval.low, _DIGITS)
        summary[f"{measure}_high"] = round(interval.high, _DIGITS)
    return summary


def _without(model: Trained, recordings: Sequence[GridRecording]) -> dict[str, float]:
    """Score what the model makes of recordings without one sense throughout."""
    scores = {}
    for sense in model.card.optional:
        errors, likenesses = [], []
        for one in recordings:
            effort = model.estimate(given(model.card, one, without=sense))
            errors.append(rmse(one.effort, effort))
            likenesses.append(mean_correlation(np.asarray(one.effort), effort))
        scores[f"without_{sense}_rmse"] = _mean(errors)
        scores[f"without_{sense}_correlation"] = _mean(likenesses)
    return scores


def card_scores(scores: ScoresBySplit) -> dict[str, float]:
    """Name the scores as a card lists them."""
    left_out = ("_low", "_high", "recordings", "of", "seen_in_training", "protocol")
    return {
        f"{split}_{name}": value
        for split, values in scores.items()
        for name, value in values.items()
        if not name.endswith(left_out) and np.isfinite(value)
    }


def trained_on(
    dataset: DataSet, recordings: Sequence[GridRecording], samples: int, chosen: bool = True
) -> str:
    """Say what the data are, and by what the best step was chosen, if it was."""
    minutes = samples / 60 / recordings[0].rate_hz
    people = len({one.recording.person for one in recordings})
    kind = "simulated recordings" if dataset.simulated else "recordings"
    words = (
        f"{kind}: {minutes:.1f} minutes, {len(recordings)} recordings of {people} people, "
        f"data set {dataset.fingerprint[:16]} ({dataset.description}), split train; "
        f"{'split val chose the best step' if chosen else 'the last step was kept'}."
    )
    return f"{words} {SIMULATED_ONLY}" if dataset.simulated else words


def with_seen(
    card: ModelCard, dataset: DataSet, names: Sequence[str], chosen: bool = True
) -> ModelCard:
    """Add to what a model has met the recordings trained on, and those that chose among steps."""
    chosen_by = dataset.splits.get("val", ()) if chosen else ()
    seen = seen_of(dataset.identities[name] for name in (*names, *chosen_by))
    return replace(card, seen=(seen | (Seen.from_card(card.seen) or Seen())).on_card())


def how_fitted(notes: str, command: str) -> str:
    """Say how a model that is fitted in one go came about."""
    return " ".join(part for part in (notes and f"{notes}.", _command(command)) if part)


def how_trained(
    settings: Settings,
    recipe: str,
    reached: Mapping[str, Any],
    command: str,
    losses: Sequence[str],
) -> str:
    """Say how a training went, with the command that repeats it."""
    begin = f"fine-tuned from {settings.init_from}" if settings.init_from else "from random weights"
    loss = "mean squared error"
    if settings.sinkhorn:
        loss += f" + {settings.sinkhorn:g} x Sinkhorn distance"
    if losses != EFFORT_LOSSES:
        loss = f"losses of its own ({', '.join(losses)})"
    changed = (
        f", one sense missing in {settings.drop_senses:.0%} of the windows"
        if settings.drop_senses
        else ""
    )
    if settings.augment:
        changed += f", bodies, cameras and sensors augmented {settings.augment:g} times"
    kept = (
        "the last one kept" if settings.keep == "last" else f"best at step {reached['best_step']}"
    )
    return (
        f"recipe {recipe}, {begin}: AdamW, learning rate {settings.learning_rate:g}, "
        f"{settings.schedule}, {loss}, batches of {settings.batch} windows of {settings.window} "
        f"samples, pose by {settings.pose_timing}, {settings.precision}{changed}; "
        f"{reached['step']} steps ({reached['epoch']:.2f} epochs), {kept}. {_command(command)}"
    ).rstrip()


def _command(command: str) -> str:
    return f"Command: {command}" if command else ""


def describe(scores: ScoresBySplit) -> list[str]:
    """Put scores into lines for people."""
    lines = []
    for split, values in scores.items():
        known = values["seen_in_training"]
        seen = f"{len(known)} of {values['of']} recordings left out, seen in training"
        if not values["recordings"]:
            lines.append(f"{split:16s} not scored: {seen}")
            continue
        lines.append(
            f"{split:16s} RMSE {values['rmse']:.4f}  OTD {values['otd']:.4f}  correlation "
            f"{values['correlation']:.3f}  (the training mean's RMSE: "
            f"{values['baseline_mean_rmse']:.4f}; {values['recordings']} of {values['of']} "
            f"recordings{'; ' + seen if known else ''})"
        )
    return lines
