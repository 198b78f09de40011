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

from kpm_ros.models.pianokpm.batch import BatchEstimator, Stretch
from kpm_ros.models.pianokpm.stream import StreamingEstimator

TOLERANCE = 1e-4


def streamed(card, tensors, pose, keys) -> np.ndarray:
    estimator = StreamingEstimator(card, tensors)
    estimator.reset(0)
    return np.concatenate([estimator.push(pose, keys), estimator.flush()])


@pytest.fixture(params=["cpu", "cuda"])
def device(request) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("this machine has no GPU that torch can use")
    return request.param


@pytest.mark.parametrize("lookahead", [0, 31])
@pytest.mark.parametrize("chunk", [8192, 70])
def test_recordings_of_different_lengths_give_what_streaming_gives(
    light, play, device, chunk, lookahead
) -> None:
    card, tensors = light(lookahead=lookahead)
    stretches = [
        Stretch(n, *play(card, samples, seed=n)) for n, samples in enumerate((200, 1, 141))
    ]
    efforts = BatchEstimator(card, tensors, device, chunk).run(stretches)
    for effort, (_, pose, keys) in zip(efforts, stretches, strict=True):
        assert effort.shape == (len(pose), 6)
        assert np.abs(effort - streamed(card, tensors, pose, keys)).max() < TOLERANCE


def test_a_sense_that_the_model_does_not_use_may_be_left_out(light, play) -> None:
    card, tensors = light(inputs=("keys",))
    pose, keys = play(card, 60)
    (effort,) = BatchEstimator(card, tensors).run([Stretch(0, None, keys)])
    assert np.abs(effort - streamed(card, tensors, pose, keys)).max() < TOLERANCE


def test_nothing_and_empty_recordings_give_nothing(light) -> None:
    card, tensors = light()
    batch = BatchEstimator(card, tensors)
    empty = Stretch(0, *(np.zeros((0, n), np.float32) for n in (card.pose_channels, card.keys)))
    assert batch.run([]) == []
    assert [effort.shape for effort in batch.run([empty])] == [(0, 6)]


def test_senses_of_different_lengths_are_refused(light, play) -> None:
    card, tensors = light()
    pose, keys = play(card, 60)
    with pytest.raises(ValueError, match="pose has 60 samples and keys 59"):
        BatchEstimator(card, tensors).run([Stretch(0, pose, keys[1:])])


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said_to_be_missing(light) -> None:
    with pytest.raises(ValueError, match="torch sees no GPU"):
        BatchEstimator(*light(), device="cuda")
