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

from kpm_ros.learn.recordings.identity import seen_of
from kpm_ros.learn.recordings.release import Recording, Release
from kpm_ros.learn.scores.board import METRICS, PerformanceScore
from kpm_ros.learn.scores.metrics import mean_correlation, mean_interval, rmse
from kpm_ros.learn.scores.scoreboard import Contestant, describe_data, met, score_all
from kpm_ros.learn.training.settings import Settings
from kpm_ros.models.baselines.fitting import mean_effort
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import MISSING, blank
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained

SIMULATED_ONLY = "SIMULATED hands and muscles only: it says nothing about people."
SCORED = ("val", "test", "test_cross_user", "test_cross_task")
_DIGITS = 4

SplitScores = dict[str, dict[str, Any]]


def evenly(names: Sequence[str], release: Release, minutes: float) -> list[str]:
    """Choose performances of a split evenly, until they are so many minutes long; at least one."""
    if not names:
        return []
    rate_hz = ModelCard().rate_hz
    left = minutes * 60 * rate_hz
    longest = max(len(release.performance(names[0]).effort), 1)
    count = min(len(names), max(1, round(left / longest)))
    places = np.linspace(0, len(names) - 1, count).round().astype(int)
    return [names[i] for i in dict.fromkeys(places.tolist())]


def scores_of(model: Trained, release: Release, settings: Settings) -> SplitScores:
    """Score a model as its file has it on every split but the one it was trained on.

    In the protocol that fits how it was trained, beside the mean of the training data, and without
    each sense that it can do without.
    """
    known = {split: met(model, release, split) for split in SCORED if release.splits.get(split)}
    unmet = {
        split: [name for name in release.splits[split] if name not in left_out]
        for split, left_out in known.items()
    }
    chosen = {
        split: tuple(evenly(names, release, settings.score_minutes))
        for split, names in unmet.items()
    }
    part = release.part(chosen)
    protocol = "published" if settings.pose_timing == "window" else "continuous"
    training = evenly(release.splits["train"], release, settings.score_minutes)
    mean = mean_effort([release.performance(name) for name in training])
    found = score_all(part, [Contestant("model", model)], list(chosen), protocol)
    result: SplitScores = {}
    for split, names in chosen.items():
        recordings = [release.performance(name) for name in names]
        scores: dict[str, Any] = {}
        if recordings:
            scores = {
                **_summary(found["model"][split]),
                "baseline_mean_rmse": _mean(_error_of(mean, one) for one in recordings),
                **_without(model, recordings),
            }
        result[split] = {
            **scores,
            "performances": len(names),
            "of": len(release.splits[split]),
            "seen_in_training": known[split],
            "protocol": protocol,
        }
    return result


def _error_of(mean: NDArray[np.float64], one: Recording) -> float:
    """RMSE of always estimating the mean."""
    return rmse(one.effort, np.broadcast_to(mean, one.effort.shape))


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), _DIGITS)


def _summary(scores: Sequence[PerformanceScore]) -> dict[str, float]:
    """Give each measure's mean over performances and its interval of 95 %."""
    summary = {}
    for measure in METRICS:
        interval = mean_interval([getattr(one, measure) for one in scores])
        summary[measure] = round(interval.mean, _DIGITS)
        summary[f"{measure}_low"] = round(interval.low, _DIGITS)
        summary[f"{measure}_high"] = round(interval.high, _DIGITS)
    return summary


def _without(model: Trained, recordings: Sequence[Recording]) -> dict[str, float]:
    """Score what the model makes of performances without one sense throughout."""
    scores = {}
    for sense in model.card.optional:
        errors, likenesses = [], []
        for one in recordings:
            flags = np.full(len(one.keys), MISSING[sense], np.uint8)
            pose, keys = blank(one.pose(), np.asarray(one.keys), flags, model.card)
            effort = model.estimate(pose, keys)
            errors.append(rmse(one.effort, effort))
            likenesses.append(mean_correlation(np.asarray(one.effort), effort))
        scores[f"without_{sense}_rmse"] = _mean(errors)
        scores[f"without_{sense}_correlation"] = _mean(likenesses)
    return scores


def card_scores(scores: SplitScores) -> dict[str, float]:
    """Name the scores as a card lists them."""
    left_out = ("_low", "_high", "performances", "of", "seen_in_training", "protocol")
    return {
        f"{split}_{name}": value
        for split, values in scores.items()
        for name, value in values.items()
        if not name.endswith(left_out) and np.isfinite(value)
    }


def trained_on(release: Release, recordings: Sequence[Recording], samples: int) -> str:
    """Say what the data are."""
    minutes = samples / 60 / ModelCard().rate_hz
    pianists = len({one.pianist for one in recordings})
    kind = "simulated performances" if release.simulated else "recorded performances"
    words = (
        f"{kind}: {minutes:.1f} minutes, {len(recordings)} performances by {pianists} pianists, "
        f"data set {release.fingerprint[:16]} ({describe_data(release.root)}), split train; split "
        "val chose the best step."
    )
    return f"{words} {SIMULATED_ONLY}" if release.simulated else words


def with_seen(card: ModelCard, release: Release, names: Sequence[str]) -> ModelCard:
    """Add to what a model has met the performances trained on, and those that chose among steps."""
    chosen_by = release.splits.get("val", ())
    seen = seen_of(release.identities[name] for name in (*names, *chosen_by))
    return replace(card, seen=(seen | (Seen.from_card(card.seen) or Seen())).on_card())


def how_fitted(notes: str, command: str) -> str:
    """Say how a model that is fitted in one go came about."""
    return " ".join(part for part in (notes and f"{notes}.", _command(command)) if part)


def how_trained(settings: Settings, recipe: str, reached: Mapping[str, Any], command: str) -> str:
    """Say how a training went, with the command that repeats it."""
    begin = f"fine-tuned from {settings.init_from}" if settings.init_from else "from random weights"
    loss = "mean squared error"
    if settings.sinkhorn:
        loss += f" + {settings.sinkhorn:g} x Sinkhorn distance"
    dropped = (
        f", one sense missing in {settings.drop_senses:.0%} of the windows"
        if settings.drop_senses
        else ""
    )
    if settings.disguise:
        dropped += f", hands and cameras disguised {settings.disguise:g} times"
    return (
        f"recipe {recipe}, {begin}: AdamW, learning rate {settings.learning_rate:g}, "
        f"{settings.schedule}, {loss}, batches of {settings.batch} windows of {settings.window} "
        f"samples, pose by {settings.pose_timing}, {settings.precision}{dropped}; "
        f"{reached['step']} steps ({reached['epoch']:.2f} epochs), best at step "
        f"{reached['best_step']}. {_command(command)}"
    ).rstrip()


def _command(command: str) -> str:
    return f"Command: {command}" if command else ""


def pose_size(recordings: Sequence[Recording]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each pose channel over all frames."""
    count = sum(len(one.frames) for one in recordings)
    mean = sum(one.frames.sum(axis=0, dtype=np.float64) for one in recordings) / count
    square = sum(((one.frames - mean) ** 2).sum(axis=0) for one in recordings) / count
    scale = np.sqrt(square)
    # A channel that never moves is left at its size rather than blown up.
    return np.asarray(mean), np.where(scale > 1e-6, scale, 1.0)


def normalised(card: ModelCard, recordings: Sequence[Recording]) -> ModelCard:
    """Put on a card by what a network's pose is to be normalised."""
    if "pose" not in card.inputs:
        return card
    offset, scale = pose_size(recordings)
    return replace(card, pose_offset=tuple(offset.tolist()), pose_scale=tuple(scale.tolist()))


def describe(scores: SplitScores) -> list[str]:
    """Put scores into lines for people."""
    lines = []
    for split, values in scores.items():
        known = values["seen_in_training"]
        seen = f"{len(known)} of {values['of']} performances left out, seen in training"
        if not values["performances"]:
            lines.append(f"{split:16s} not scored: {seen}")
            continue
        lines.append(
            f"{split:16s} RMSE {values['rmse']:.4f}  OTD {values['otd']:.4f}  correlation "
            f"{values['correlation']:.3f}  (the training mean's RMSE: "
            f"{values['baseline_mean_rmse']:.4f}; {values['performances']} of {values['of']} "
            f"performances{'; ' + seen if known else ''})"
        )
    return lines
