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

"""True effort that is not known is neither learnt nor scored: masked, and not bridged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kpm_ros.core.streams import Channels, Streams
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.learn.scores.metrics import (
    mean_correlation,
    muscle_correlation,
    muscle_rmse,
    rmse,
    score,
    transport_distance,
)
from kpm_ros.learn.scores.scored_models import find_scored_model
from kpm_ros.learn.training.losses import EffortLoss
from kpm_ros.learn.training.training_run import Training
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.learn.training.windows import WindowOrder

FORCE = Channels("force", ("thumb", "index"), "N", 100.0)
MUSCLES = ("FPL", "FDI")


def made(name: str, unknown: tuple[tuple[slice, object], ...] = (), seconds: int = 8) -> Recording:
    random = np.random.default_rng(list(name.encode()))
    force = np.cumsum(random.normal(size=(100 * seconds, 2)), axis=0).astype(np.float32)
    effort = np.abs(force @ np.float32([[0.02, 0.01], [0.0, 0.03]]))
    for part in unknown:
        effort[part] = np.nan
    person, take = name.split("_")
    truth = Truth(MUSCLES, "fraction of MVC", 100.0, effort)
    return Recording(name, person, "grip", take, (TimeSeries(FORCE, force),), truth)


def written(folder: Path, *recordings: Recording) -> Path:
    names = [one.name for one in recordings]
    splits = {"train": names[:-2], "val": names[-2:-1], "test": names[-1:]}
    return write_dataset(folder / "set", About(name="grips", simulated=True), recordings, splits)


def test_a_grid_of_another_rate_draws_no_line_across_what_is_not_known() -> None:
    one = made("p1_1", ((slice(100, 200), 0),))
    on_grid = GridRecording(one, Streams((FORCE,)), 250)
    unknown = np.flatnonzero(np.isnan(on_grid.effort[:, 0]))
    assert (unknown[0] / 250, (unknown[-1]) / 250) == (pytest.approx(1.0, abs=0.011), 1.996)
    assert np.isfinite(on_grid.effort[:, 1]).all()
    assert on_grid.known == ((0, len(on_grid)),)
    gone = made("p1_2", ((slice(100, 200), slice(None)), (slice(790, 800), slice(None))))
    assert GridRecording(gone, Streams((FORCE,)), 100).known == ((0, 100), (200, 790))


def test_the_loss_and_what_is_learnt_from_it_leave_out_what_is_not_known() -> None:
    torch.manual_seed(0)
    truth, estimate = torch.rand(3, 2, 50), torch.rand(3, 2, 50, requires_grad=True)
    truth[0, 1] = torch.nan
    truth[2, :, 30:] = torch.nan
    known = ~truth.isnan()
    losses = EffortLoss(True, 0)(estimate, truth)
    wanted = (estimate - truth)[known].square().mean()
    torch.testing.assert_close(losses.squared, wanted)
    assert losses.transport.isfinite()
    losses.squared.backward()
    assert (estimate.grad[~known] == 0).all()
    assert (estimate.grad[known] != 0).all()
    nothing = EffortLoss(True, 0)(estimate, torch.full_like(truth, torch.nan))
    assert (nothing.squared, nothing.transport.isfinite().item()) == (0, True)


@pytest.mark.parametrize("shifted", [True, False])
def test_no_window_is_drawn_in_which_no_effort_is_known(shifted: bool) -> None:
    known = (((0, 150), (800, 1000)), ((400, 410),))
    order = WindowOrder((1000, 1000), 100, 50, 4, seed=1, shifted=shifted, known=known)
    drawn = {w for step in range(20 * order.steps_per_epoch) for w in order.batch_at(step)}
    assert {window.recording for window in drawn} == {0, 1}
    for one in drawn:
        stretches = known[one.recording]
        assert any(start < one.start + 100 and stop > one.start for start, stop in stretches)


def test_scores_are_those_of_the_known_samples_alone() -> None:
    random = np.random.default_rng(0)
    truth, estimate = random.random((2, 300, 3))
    holes = truth.copy()
    holes[100:150] = np.nan
    holes[:, 2] = np.nan
    kept = np.r_[0:100, 150:300]
    rest = truth[kept][:, :2], estimate[kept][:, :2]
    assert rmse(holes, estimate) == pytest.approx(rmse(*rest))
    assert muscle_rmse(holes, estimate)[:2] == pytest.approx(muscle_rmse(*rest))
    assert muscle_correlation(holes, estimate)[:2] == pytest.approx(muscle_correlation(*rest))
    assert mean_correlation(holes, estimate) == pytest.approx(mean_correlation(*rest))
    assert transport_distance(holes, estimate) == pytest.approx(transport_distance(*rest))
    assert np.isnan(muscle_rmse(holes, estimate)[2])
    both = score([(holes, estimate), (truth, estimate)], ("a", "b", "c"))
    assert both.muscle_rmse[2] == pytest.approx(muscle_rmse(truth, estimate)[2])


def test_a_channel_that_came_off_leaves_the_fits_of_the_others_as_they_are(tmp_path: Path) -> None:
    whole = [made(f"p1_{take}") for take in "12345"]
    off = replace(whole[0], truth=made("p1_1", ((slice(None), 1),)).truth)
    before = open_dataset(written(tmp_path / "whole", *whole))
    after = open_dataset(written(tmp_path / "off", off, *whole[1:]))
    without = before.part({**before.splits, "train": before.splits["train"][1:]})
    for name in ("mean", "ridge"):
        models = [find_scored_model(name, part).model for part in (before, after, without)]
        own, masked, fewer = (model.estimate(whole[0].series[0].values) for model in models)
        np.testing.assert_allclose(masked[:, 0], own[:, 0], atol=2e-3)
        assert np.isfinite(masked[:, 1]).all()
        np.testing.assert_allclose(masked[:, 1], fewer[:, 1], atol=0.04)
    assert np.isfinite(find_scored_model("nearest", after).model.tensors["effort"]).all()


def test_a_network_is_trained_and_scored_on_what_is_known(tmp_path: Path) -> None:
    some = ((slice(0, 300), 0), (slice(500, 600), slice(None)))
    data = written(tmp_path, *(made(f"p1_{take}", some) for take in "1234"))
    settings = make_settings(
        "quick",
        model="pianokpm-light",
        batch=8,
        window=64,
        epochs=0.5,
        sinkhorn_points=16,
        teacher_forcing=True,
        precision="32-true",
        check_every=3,
    )
    scores = Training(data=data, out=tmp_path / "run", settings=settings).run()
    assert 0 < scores["test"]["rmse"] < 1
    assert np.isfinite(scores["test"]["otd"])


def test_effort_that_is_never_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the effort is not known in any sample"):
        written(tmp_path, made("p1_1", ((slice(None), slice(None)),)))
