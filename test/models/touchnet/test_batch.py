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
from kpm_ros.models.framed.batch import FramedBatch
from kpm_ros.models.touchnet.stream import TouchNetStream
from support.models import playing, small


@pytest.mark.parametrize("lookahead", [0, 13, 31])
def test_recordings_in_chunks_give_what_streaming_gives(lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    stretches = [
        Stretch(first, playing(card, samples, seed=samples))
        for first, samples in ((0, 700), (3, 700), (6, 333), (15, 100), (0, 1), (9, 1), (5, 0))
    ]
    efforts = FramedBatch(card, tensors, chunk=200).run(stretches)
    network = TouchNetStream(card, tensors)
    for (first, values), effort in zip(stretches, efforts, strict=True):
        network.reset(first)
        expected = np.concatenate([network.push(values), network.flush()])
        assert effort.shape == expected.shape
        assert np.abs(effort - expected).max(initial=0) < 1e-5


def test_a_gpu_that_is_not_there_is_refused_in_words() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="torch sees no GPU"):
        FramedBatch(*small(), device="cuda")
