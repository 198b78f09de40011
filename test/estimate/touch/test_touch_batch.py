"""Whole recordings at once give what streaming gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kpm_ros.estimate.engines import batch_estimator, streaming_estimator
from kpm_ros.estimate.touch.batch import TouchBatch


@pytest.mark.parametrize("lookahead", [0, 13, 31])
def test_recordings_in_chunks_give_what_streaming_gives(small, played, lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    recordings = [played(card, samples, seed=samples) for samples in (700, 333, 1, 0)]
    efforts = TouchBatch(card, tensors, chunk=200).run(recordings)
    for (pose, keys), effort in zip(recordings, efforts, strict=True):
        estimator = streaming_estimator(card, tensors)
        expected = np.concatenate([estimator.push(pose, keys), estimator.flush()])
        assert effort.shape == expected.shape
        assert np.abs(effort - expected).max(initial=0) < 1e-5


def test_a_sense_that_the_model_does_not_use_may_be_left_out(small, played) -> None:
    card, tensors = small(inputs=("keys",))
    pose, keys = played(card, 100)
    with_pose, without = batch_estimator(card, tensors).run([(pose, keys), (None, keys)])
    assert np.array_equal(with_pose, without)


def test_a_gpu_that_is_not_there_is_refused_in_words(small) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="torch sees no GPU"):
        batch_estimator(*small(), device="cuda")
