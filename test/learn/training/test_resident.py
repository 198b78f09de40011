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

"""Windows cut where the data lie are the very windows that are cut from files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kpm_ros.core.worker_pool import produce
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.simulated_rooms import RoomRelease
from kpm_ros.learn.training.batches import make_batches
from kpm_ros.learn.training.preparation import new_card, training_part
from kpm_ros.learn.training.resident import ResidentBatches, fits
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.simulate.release.request import Request


@pytest.mark.parametrize("drop_senses", [0.0, 0.5])
def test_batches_are_the_same_to_the_last_bit(tmp_path: Path, drop_senses: float) -> None:
    """Missing and dropped senses included, on every device of several."""
    request = Request(2, 1, 1, 3, 5, "plain", held_out_pianists=(2,))
    produce(tmp_path / "set", RoomRelease(request, rooms=2), workers=1)
    dataset = open_dataset(tmp_path / "set")
    settings = make_settings("quick", model="touchnet", batch=3, drop_senses=drop_senses)
    card = new_card(settings, dataset)
    batches = make_batches(training_part(dataset, settings, card), card, settings)
    resident = ResidentBatches(batches, torch.device("cpu"))
    assert not fits(batches, torch.device("cpu"))
    for step, (device, devices) in enumerate([(0, 1), (0, 2), (1, 2), (3, 4), (0, 1), (0, 1)]):
        for one, other in zip(
            batches.at(step, device, devices), resident.at(step, device, devices), strict=True
        ):
            assert torch.equal(one, other)
    later = resident.from_step(4, 0, 1)
    assert torch.equal(next(later).values, batches.at(4).values)
    assert torch.equal(next(later).values, batches.at(5).values)
