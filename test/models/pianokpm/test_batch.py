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

"""Whole recordings at once give what streaming gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kpm_ros.models.architecture import Stretch
from kpm_ros.models.pianokpm.batch import PianoKPMBatch
from kpm_ros.models.pianokpm.stream import PianoKPMStream
from support.models import light, signal

TOLERANCE = 1e-4


@pytest.fixture(params=["cpu", "cuda"])
def device(request) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("this machine has no GPU that torch can use")
    return request.param


@pytest.mark.parametrize("lookahead", [0, 31])
@pytest.mark.parametrize("chunk", [8192, 70])
def test_recordings_of_different_lengths_give_what_streaming_gives(
    device, chunk, lookahead
) -> None:
    card, tensors = light(lookahead=lookahead)
    lengths = enumerate((200, 1, 141))
    stretches = [Stretch(n, signal(card, samples, seed=n)) for n, samples in lengths]
    efforts = PianoKPMBatch(card, tensors, device, chunk).run(stretches)
    network = PianoKPMStream(card, tensors)
    for effort, (_, values) in zip(efforts, stretches, strict=True):
        network.reset(0)
        streamed = np.concatenate([network.push(values), network.flush()])
        assert effort.shape == (len(values), 6)
        assert np.abs(effort - streamed).max() < TOLERANCE


def test_nothing_and_empty_recordings_give_nothing() -> None:
    card, tensors = light()
    batch = PianoKPMBatch(card, tensors)
    empty = Stretch(0, np.zeros((0, card.streams.width), np.float32))
    assert batch.run([]) == []
    assert [effort.shape for effort in batch.run([empty])] == [(0, 6)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(ValueError, match="torch sees no GPU"):
        PianoKPMBatch(*light(), device="cuda")
