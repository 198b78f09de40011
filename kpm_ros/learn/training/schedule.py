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

"""How the learning rate changes while a network is trained."""

from __future__ import annotations

import math

from kpm_ros.learn.training.training_settings import Settings


def learning_rate_factor(
    settings: Settings, step: int, steps: int, steps_per_epoch: int, elapsed_s: float
) -> float:
    """Say by what the highest learning rate is multiplied at one step.

    "halving" halves it every so many epochs; "cosine" follows half a cosine down to nothing at the
    last step or at the time limit, whichever comes first. All begin with a straight rise.
    """
    rise = min(1.0, (step + 1) / settings.warm_up_steps) if settings.warm_up_steps else 1.0
    if settings.schedule == "constant":
        fall = 1.0
    elif settings.schedule == "halving":
        fall = 0.5 ** int(step / steps_per_epoch / settings.halve_every)
    else:
        done = share_done(settings, step, steps, elapsed_s)
        fall = 0.5 * (1 + math.cos(math.pi * done))
    return float(rise * fall)


def share_done(settings: Settings, step: int, steps: int, elapsed_s: float) -> float:
    """Say what share of a training is done, by its steps or by its time, whichever is farther."""
    return min(1.0, max(step / steps, elapsed_s / (60 * settings.time_limit_min)))
