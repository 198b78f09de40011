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

"""Static optimisation: the least activation that gives the torques wanted, for many instants.

For each instant it minimises   sum(weight * (a - rest)^2) + sum(r^2 / slack)   over activations a
within their bounds and residual torques r, where   torque = arms @ a + r.   The dual of that
problem has one unknown a joint and is smooth, so Newton's method solves it exactly in a few steps;
each instant begins where the one before it ended.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled

Array = NDArray[np.float64]

_STEPS = 60
_PRECISION = 1e-7
_HALVINGS = 30


@compiled
def _bounded(best: float, low: float, high: float) -> float:
    """Activation nearest to the best one."""
    if best < low:
        return low
    return high if best > high else best


@compiled
def _worth(
    price: Array, arms: Array, torque: Array, rest: Array, low: Array, weight: Array, slack: Array
) -> float:
    """Value of the dual problem at these prices of torque."""
    joints, muscles = arms.shape
    value = 0.0
    for j in range(joints):
        value += price[j] * torque[j] - 0.5 * slack[j] * price[j] * price[j]
    for m in range(muscles):
        drive = 0.0
        for j in range(joints):
            drive += arms[j, m] * price[j]
        a = _bounded(rest[m] + drive / weight[m], low[m], 1.0)
        value += 0.5 * weight[m] * (a - rest[m]) ** 2 - drive * a
    return value


@compiled
def _newton_step(hessian: Array, step: Array) -> None:
    """Solve hessian @ x = step in place by Cholesky's method; the Hessian is overwritten."""
    size = len(step)
    for i in range(size):
        for j in range(i + 1):
            total = hessian[i, j]
            for k in range(j):
                total -= hessian[i, k] * hessian[j, k]
            hessian[i, j] = np.sqrt(max(total, 1e-30)) if i == j else total / hessian[j, j]
    for i in range(size):
        total = step[i]
        for k in range(i):
            total -= hessian[i, k] * step[k]
        step[i] = total / hessian[i, i]
    for i in range(size - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, size):
            total -= hessian[k, i] * step[k]
        step[i] = total / hessian[i, i]


@compiled
def _slope(
    price: Array,
    arms: Array,
    torque: Array,
    rest: Array,
    low: Array,
    weight: Array,
    slack: Array,
    step: Array,
    hessian: Array,
    out: Array,
) -> float:
    """Fill in the dual's gradient, its (negative) second derivative and the activations."""
    joints, muscles = arms.shape
    hessian[:] = 0.0
    for j in range(joints):
        step[j] = torque[j] - slack[j] * price[j]
        hessian[j, j] = slack[j]
    for m in range(muscles):
        drive = 0.0
        for j in range(joints):
            drive += arms[j, m] * price[j]
        a = _bounded(rest[m] + drive / weight[m], low[m], 1.0)
        out[m] = a
        free = low[m] < a < 1.0
        for j in range(joints):
            arm = arms[j, m]
            if arm != 0.0:
                step[j] -= arm * a
                if free:
                    for k in range(j + 1):
                        hessian[j, k] += arm * arms[k, m] / weight[m]
    worst = 0.0
    for j in range(joints):
        worst = max(worst, abs(step[j]))
    return worst


@compiled
def _climb(
    arms: Array,
    torque: Array,
    rest: Array,
    low: Array,
    weight: Array,
    slack: Array,
    price: Array,
    out: Array,
) -> bool:
    """Go on from these prices to the best ones of one instant; say whether they were reached."""
    joints = len(price)
    step, trial, hessian = np.empty(joints), np.empty(joints), np.empty((joints, joints))
    for _ in range(_STEPS):
        if _slope(price, arms, torque, rest, low, weight, slack, step, hessian, out) < _PRECISION:
            return True
        gradient = step.copy()
        _newton_step(hessian, step)
        gain = 0.0
        for j in range(joints):
            gain += gradient[j] * step[j]
        here = _worth(price, arms, torque, rest, low, weight, slack)
        part = 1.0
        for _ in range(_HALVINGS):
            for j in range(joints):
                trial[j] = price[j] + part * step[j]
            if _worth(trial, arms, torque, rest, low, weight, slack) >= here + 1e-4 * part * gain:
                break
            part *= 0.5
        price[:] = trial
    return False


@compiled
def solve(
    arms: Array, torque: Array, rest: Array, low: Array, weight: Array, slack: Array, price: Array
) -> tuple[Array, Array]:
    """Activations (n, muscles) and residual torques (n, joints), in order of time.

    `arms` is (n, joints, muscles): each muscle's torque at full activation; `rest` and `low` are
    (n, muscles): the activation that costs nothing and the least one; `slack` is one over a
    residual's cost; `price` holds where to begin, and then where it ended.
    """
    count, joints, muscles = arms.shape
    activation, residual = np.empty((count, muscles)), np.empty((count, joints))
    out = np.empty(muscles)
    for n in range(count):
        found = _climb(arms[n], torque[n], rest[n], low[n], weight, slack, price, out)
        if not found:
            # Rarely, prices of the instant before lead nowhere; nothing always leads somewhere.
            price[:] = 0.0
            _climb(arms[n], torque[n], rest[n], low[n], weight, slack, price, out)
        activation[n] = out
        for j in range(joints):
            residual[n, j] = torque[n, j]
            for m in range(muscles):
                residual[n, j] -= arms[n, j, m] * out[m]
    return activation, residual
