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

"""Checks in the midst of training agree with the scores that come after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.training.training_loop import tensors_of
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.learn.training.validation import WARM_UP, Validation, rmse_of
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from support.small_release import write_release

CARD = published_card(architecture="pianokpm-light")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    dataset = open_dataset(write_release(tmp_path_factory.mktemp("data"), seconds=6))
    return dataset.on_grid(dataset.splits["train"], CARD)


@pytest.fixture(scope="module")
def network(recordings):
    return architecture_of(CARD).initial_network(CARD, recordings, seed=1)


def test_a_check_gives_the_error_of_the_model_as_it_is_streamed(recordings, network):
    one = recordings[0]
    validation = Validation([one], CARD, make_settings("quick"))
    (part,) = validation.parts
    assert part.start == 0
    stream = architecture_of(CARD).stream(CARD, tensors_of(network.state_dict()))
    stream.reset(0)
    estimate = stream.push(one.values())
    counted = slice(WARM_UP, part.length - CARD.lookahead)
    error = np.sqrt(np.mean((estimate[counted] - one.effort[counted]) ** 2))
    assert rmse_of(validation.errors(network, CPU)) == pytest.approx(error, rel=1e-3)


def test_what_the_network_cannot_see_the_future_of_does_not_count(recordings, network):
    one = recordings[0]
    expected = None
    for changed, counts in ((0, False), (CARD.lookahead, False), (CARD.lookahead + 1, True)):
        (part,) = Validation([one], CARD, make_settings("quick")).parts
        effort = np.array(one.effort)
        effort[part.length - changed : part.length] += 10
        truth = replace(one.recording.truth, values=effort)
        other = GridRecording.of(replace(one.recording, truth=truth), CARD)
        error = Validation([other], CARD, make_settings("quick")).errors(network, CPU)
        expected = error if expected is None else expected
        assert torch.equal(error, expected) is not counts


def test_devices_look_at_different_parts_and_agree_together(recordings, network):
    validation = Validation(recordings, CARD, make_settings("published", check_minutes=0.1))
    whole = validation.errors(network, CPU)
    shares = [validation.errors(network, CPU, share, 2) for share in range(2)]
    assert all(share.sum() > 0 for share in shares)
    torch.testing.assert_close(shares[0] + shares[1], whole)


def test_published_windows_are_separate_and_cover_everything(recordings):
    validation = Validation(recordings, CARD, make_settings("published"))
    seen = sorted((part.recording, part.start, part.length) for part in validation.parts)
    assert seen == [(i, 1024 * k, 1024) for i in range(3) for k in range(6)]


def test_no_more_is_looked_at_than_asked_for(recordings):
    settings = make_settings("published", check_minutes=4 / 60)
    parts = Validation(recordings, CARD, settings).parts
    assert len(parts) == 4
    assert {part.recording for part in parts} == {0, 1, 2}


def test_the_network_is_left_in_training(recordings, network):
    network.train()
    Validation(recordings[:1], CARD, make_settings("quick")).errors(network, CPU)
    assert network.training


def test_a_data_set_without_validation_is_refused():
    with pytest.raises(ValueError, match="no validation recording"):
        Validation([], CARD, make_settings("quick"))
