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

"""Everything that decides how a model is trained, and the two recipes it starts from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

POSE_TIMINGS = ("window", "stamps", "newest")
SCHEDULES = ("halving", "cosine", "constant")
PRECISIONS = ("auto", "32-true", "bf16-mixed")
TIMES = ("clock", "processor")
KEPT = ("best", "last")
LONGEST_LOOKAHEAD_S = 60.0
LARGEST_INTERVAL = 500
"""Most steps between two checks where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a model is trained; the defaults are the published recipe."""

    model: str = "pianokpm"
    inputs: tuple[str, ...] = ()
    """Senses it uses; none for all of the data set."""
    streams: tuple[str, ...] = ()
    """Streams it uses, in this order; none for all of those senses."""
    rate_hz: int = 0
    """Of the grid it runs on; 0 for the rate of the true effort."""
    lookahead: int | None = None
    """Samples of the future to wait for; None for what is usual for the model."""
    lookahead_s: float | None = None
    """The same in seconds, rounded to whole samples."""
    drop_senses: float = 0.0
    """Share of windows in which a sense is missing for a while."""
    augment: float = 0.0
    """How much each window's hand or body, cameras and sensors are changed, 1 for as much as people
    differ."""
    init_from: str = ""
    """Name or path of a model to go on from; empty for random weights."""

    split_file: str = ""
    """Which of the data set's; empty for the usual one."""
    max_train_minutes: float = math.inf
    seed: int = 1

    epochs: float = 200.0
    steps: int = 0
    """Batches that a training takes; 0 for as many as its epochs hold."""
    window: int = 1024
    overlap: int = 256
    batch: int = 64
    """Windows in a step, over all devices together."""
    shifted: bool = False
    """Whether windows are cut elsewhere in every epoch."""
    pose_timing: str = "window"
    """How frames are drawn onto samples: each window's ends pinned, at their true times, or as the
    newest that are known."""
    whole_windows: bool = True
    """Whether samples count that depend on what lies beyond the window's ends."""
    teacher_forcing: bool = False

    learning_rate: float = 1e-4
    schedule: str = "halving"
    halve_every: float = 20.0
    """Epochs after which the learning rate is halved, where that is the schedule."""
    warm_up_steps: int = 0
    weight_decay: float = 0.01
    adam_epsilon: float = 1e-8
    gradient_limit: float = 0.0
    """Longest gradient, relative to the effort's variance; 0 for any."""
    sinkhorn: float = 1.0
    """Weight of the optimal-transport distance beside the mean squared error."""
    sinkhorn_points: int = 0
    """Samples of each window it is taken over, drawn anew at every step; 0 for all."""
    average: float = 0.0
    """How much of the running mean of the weights is kept at each step; 0 for no mean."""
    precision: str = "32-true"

    keep: str = "best"
    """Which weights are written at the end: those that did best in a check, or the last ones."""

    time_limit_min: float = math.inf
    """Training, with its decay of the learning rate, is over by then."""
    time_limit_of: str = "clock"
    """Time by the clock, or this process's own on the processor."""
    check_every: int = 0
    """Steps between two checks, each followed by a checkpoint; 0 for an epoch, at most 500."""
    check_minutes: float = 10.0
    """Of validation data that a check runs over, at most."""
    patience: int = 0
    """Checks without improvement after which training ends; 0 for never."""
    score_minutes: float = 10.0
    """Of each split that the scores at the end are taken over, at most."""

    def __post_init__(self) -> None:
        above = ("epochs", "learning_rate", "halve_every", "time_limit_min", "max_train_minutes")
        for name in (*above, "check_minutes", "score_minutes", "adam_epsilon"):
            self._ask(name, getattr(self, name) > 0, "above 0")
        for name in ("window", "batch"):
            self._ask(name, getattr(self, name) >= 1, "at least 1")
        nothing = (
            "steps",
            "warm_up_steps",
            "weight_decay",
            "gradient_limit",
            "sinkhorn",
            "augment",
        )
        for name in (*nothing, "check_every", "sinkhorn_points", "patience", "seed", "rate_hz"):
            self._ask(name, 0 <= getattr(self, name) < math.inf, "0 or more")
        for name in ("drop_senses",):
            self._ask(name, 0 <= getattr(self, name) <= 1, "from 0 to 1")
        self._ask("average", 0 <= self.average < 1, "from 0 to below 1")
        self._ask("overlap", 0 <= self.overlap < self.window, "from 0 to below the window")
        for name, allowed in (
            ("pose_timing", POSE_TIMINGS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
            ("time_limit_of", TIMES),
            ("keep", KEPT),
        ):
            self._ask(name, getattr(self, name) in allowed, " or ".join(allowed))
        self._check_together()

    def _ask(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ValueError(f"{_spoken(name)} must be {what}, not {getattr(self, name)}")

    def _check_together(self) -> None:
        if self.drop_senses and len(self.inputs) == 1:
            raise ValueError(
                "drop-senses takes away one of several senses, but the inputs are "
                f"{', '.join(self.inputs)} alone: leave it at 0"
            )
        if self.lookahead is not None and self.lookahead_s is not None:
            raise ValueError(
                f"the look-ahead is given as {self.lookahead} samples and as {self.lookahead_s:g} "
                "s: give one of them"
            )
        if not 0 <= (self.lookahead_s or 0.0) <= LONGEST_LOOKAHEAD_S:
            raise ValueError(
                f"lookahead-s must be from 0 to {LONGEST_LOOKAHEAD_S:g}, not {self.lookahead_s:g}"
            )
        if self.pose_timing == "window" and self.shifted:
            raise ValueError(
                "shifted windows do not begin with a frame, so that frames cannot be pinned to "
                "their ends: give pose-timing stamps"
            )


QUICK: dict[str, Any] = {
    "epochs": 20.0,
    "window": 256,
    "overlap": 0,
    "batch": 16,
    "shifted": True,
    "pose_timing": "stamps",
    "whole_windows": False,
    "learning_rate": 3e-4,
    "schedule": "cosine",
    "warm_up_steps": 40,
    # Outputs are multiplied by 0.01, and gradients are small accordingly.
    "adam_epsilon": 1e-10,
    "gradient_limit": 1.0,
    "sinkhorn_points": 64,
    "precision": "auto",
    "check_minutes": 2.0,
}
"""What gets far within minutes on two cores."""

RECIPES: dict[str, dict[str, Any]] = {"published": {}, "quick": QUICK}


def make_settings(recipe: str, **given: Any) -> Settings:
    """Take a recipe, with whatever is given in place of its own."""
    if recipe not in RECIPES:
        raise ValueError(f"there is no recipe {recipe!r}: choose from {', '.join(RECIPES)}")
    known = {spec.name for spec in fields(Settings)}
    for name in given:
        if name not in known:
            raise ValueError(f"there is no setting {name!r} of a training")
    model, suited = given.get("model", ""), {}
    if model:
        suited = dict(_suited_to(model).get(recipe, {}))
    return Settings(**{**RECIPES[recipe], **suited, **given})


def _suited_to(model: str) -> Mapping[str, Mapping[str, Any]]:
    """Settings of each recipe that suit a kind of model better than most."""
    from kpm_ros.models.pianomotion.recipes import MODELS
    from kpm_ros.models.registry import find_architecture

    if model in MODELS:
        return MODELS[model].recipes
    architecture = find_architecture(model)
    return {"quick": architecture.quick, "published": architecture.published}


def for_windowed(settings: Settings, window: int) -> Settings:
    """Fit settings to a model whose every output depends on its whole window, of that length."""
    overlap = min(settings.overlap, window - 1)
    return replace(settings, window=window, overlap=overlap, whole_windows=True)


def _spoken(name: str) -> str:
    """Name a setting as the command line does."""
    return name.replace("_", "-")
