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

from kpm_ros.models.pianokpm.batch import Stretch
from kpm_ros.models.registry import batch_estimator, streaming_estimator
from kpm_ros.models.touchnet.batch import TouchBatch


@pytest.mark.parametrize("lookahead", [0, 13, 31])
def test_recordings_in_chunks_give_what_streaming_gives(small, played, lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    stretches = [
        Stretch(first, *played(card, samples, seed=samples))
        for first, samples in ((0, 700), (3, 700), (6, 333), (15, 100), (0, 1), (9, 1), (5, 0))
    ]
    efforts = TouchBatch(card, tensors, chunk=200).run(stretches)
    estimator = streaming_estimator(card, tensors)
    for (first, pose, keys), effort in zip(stretches, efforts, strict=True):
        estimator.reset(first)
        expected = np.concatenate([estimator.push(pose, keys), estimator.flush()])
        assert effort.shape == expected.shape
        assert np.abs(effort - expected).max(initial=0) < 1e-5


def test_a_sense_that_the_model_does_not_use_may_be_left_out(small, played) -> None:
    card, tensors = small(inputs=("keys",))
    pose, keys = played(card, 100)
    with_pose, without = batch_estimator(card, tensors).run(
        [Stretch(0, pose, keys), Stretch(0, None, keys)]
    )
    assert np.array_equal(with_pose, without)


def test_a_gpu_that_is_not_there_is_refused_in_words(small) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="torch sees no GPU"):
        batch_estimator(*small(), device="cuda")
