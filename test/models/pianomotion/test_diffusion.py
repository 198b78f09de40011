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

from __future__ import annotations

import pytest
import torch

from kpm_ros.models.pianomotion.diffusion import STEPS, Diffusion, kept_shares


def test_noise_follows_a_squared_cosine() -> None:
    shares = kept_shares()
    assert len(shares) == STEPS
    assert shares[0] > 0.9999
    assert shares[-1] < 1e-6
    assert (shares.diff() < 0).all()
    # Half-way along, the angle is (0.5 + s) / (1 + s) of a right angle.
    along = torch.tensor([0.5, 0.0], dtype=torch.float64)
    cosine = (((along + 0.008) / 1.008) * torch.pi / 2).cos() ** 2
    assert shares[STEPS // 2 - 1] == pytest.approx(float(cosine[0] / cosine[1]), abs=1e-9)


def test_a_true_velocity_leads_back_to_the_movement_and_costs_nothing() -> None:
    diffusion = Diffusion()
    start, noise = torch.rand(3, 4, 8) * 2 - 1, torch.randn(3, 4, 8)
    at = torch.tensor([1, 500, 900])
    velocity = diffusion.velocity(start, at, noise)
    noisy = diffusion.noisy(start, at, noise)
    for row, step in enumerate(at.tolist()):
        back = diffusion.start_of(noisy[row], step, velocity[row])
        assert torch.allclose(back, start[row], atol=1e-3)
    assert diffusion.loss(velocity, start, at, noise) == 0


def test_errors_weigh_by_the_share_of_movement_in_the_noise() -> None:
    diffusion = Diffusion()
    start, noise = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)
    for step in (0, 500, 999):
        at = torch.tensor([step])
        loss = diffusion.loss(torch.ones(1, 2, 4), start, at, noise)
        snr = diffusion.signal[step] ** 2 / diffusion.noise[step] ** 2
        assert float(loss) == pytest.approx(float(snr / (snr + 1)), rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("steps", [5, 50, STEPS])
def test_a_network_that_knows_the_movement_arrives_at_it_in_any_number_of_steps(steps) -> None:
    diffusion = Diffusion()
    truth = torch.rand(4, 16) * 1.6 - 0.8
    seen = []

    def knows(noisy, at):
        seen.append(at)
        signal, noise = diffusion.signal[at], diffusion.noise[at]
        said = (noisy - signal * truth) / noise
        return signal * said - noise * truth

    draw = torch.Generator().manual_seed(0)
    fresh = iter(lambda: torch.randn(truth.shape, generator=draw), None)
    made = diffusion.sample(knows, torch.randn(truth.shape, generator=draw), steps, fresh)
    assert torch.allclose(made, truth, atol=2e-2)
    assert len(seen) == steps
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("steps", [0, 4, 1001])
def test_other_numbers_of_steps_are_refused(steps) -> None:
    with pytest.raises(ValueError, match="must be 5 to 1000"):
        Diffusion().sample(lambda noisy, at: noisy, torch.zeros(2, 2), steps, iter([]))
