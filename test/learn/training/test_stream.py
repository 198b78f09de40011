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

"""Batches: what a window holds, and who gets which."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from kpm_ros.learn.recordings.drawing import pinned
from kpm_ros.learn.recordings.release import open_release
from kpm_ros.learn.training.settings import make_settings
from kpm_ros.learn.training.stream import BatchStream, cut, make_batches
from kpm_ros.models.card import ModelCard
from support.small_release import write_release

QUICK = make_settings("quick", batch=6, window=200)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    release = open_release(write_release(tmp_path_factory.mktemp("data"), seconds=2))
    return [release.performance(name) for name in release.splits["train"]]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("start", "length"), [(0, 300), (777, 256), (2048 - 100, 100)])
def test_pose_by_stamps_is_what_the_whole_performance_has_there(recordings, start, length):
    one = recordings[0]
    pose, keys, effort = cut(one, start, length, pinned=False)
    np.testing.assert_allclose(pose, one.pose()[start : start + length], atol=1e-5)
    assert np.array_equal(keys, one.keys[start : start + length])
    assert np.array_equal(effort, one.effort[start : start + length])


def test_pose_by_window_puts_the_ends_of_its_frames_on_its_ends(recordings):
    one = recordings[0]
    pose, _, _ = cut(one, 1024, 1024, pinned=True)
    np.testing.assert_allclose(pose, pinned(one.frames[60:120], 1024), atol=1e-5)
    assert np.array_equal(pose[[0, -1]], one.frames[[60, 119]])


def test_windows_with_pinned_ends_must_begin_with_a_frame(recordings):
    settings = replace(QUICK, pose_timing="window", shifted=False)
    with pytest.raises(ValueError, match="give multiples of 256, or pose-timing stamps"):
        make_batches(recordings, ModelCard(), settings)


def test_windows_of_a_model_with_frames_begin_with_one(recordings):
    assert make_batches(recordings, ModelCard(architecture="touchnet"), QUICK).order.stride == 8
    assert make_batches(recordings, ModelCard(), QUICK).order.stride == 1


def test_a_dropped_sense_is_neutral_and_all_else_is_as_it_was(recordings):
    card = ModelCard(pose_offset=(0.5,) * 84, pose_scale=(2.0,) * 84, optional=("pose", "keys"))
    settings = replace(QUICK, drop_senses=1.0, window=600)
    dropped = make_batches(recordings, card, settings).at(3)
    plain = make_batches(recordings, replace(card, optional=()), settings).at(3)
    no_pose, no_keys = (dropped.pose == 0.5).all(dim=1), (dropped.keys == -1).all(dim=1)
    assert torch.equal(dropped.effort, plain.effort)
    assert torch.equal(dropped.pose.mT[~no_pose], plain.pose.mT[~no_pose])
    assert torch.equal(dropped.keys.mT[~no_keys], plain.keys.mT[~no_keys])
    assert not (no_pose & no_keys).any()
    assert (no_pose | no_keys).any(dim=1).all()


def test_devices_share_a_batch_between_them(recordings):
    batches = make_batches(recordings, ModelCard(), QUICK)
    whole, shares = batches.at(2), [batches.at(2, device, 2) for device in range(2)]
    assert torch.equal(whole.effort[0::2], shares[0].effort)
    assert torch.equal(whole.effort[1::2], shares[1].effort)


def test_a_stream_goes_on_at_its_step_whoever_prepares_it(recordings):
    batches = make_batches(recordings, ModelCard(), QUICK)
    alone = list(islice(iter(BatchStream(batches, 3, 0, 1)), 5))
    assert same(alone[0], batches.at(3))
    helped = DataLoader(BatchStream(batches, 3, 0, 1), batch_size=None, num_workers=2)
    assert all(same(a, b) for a, b in zip(alone, islice(iter(helped), 5), strict=True))


def test_no_more_minutes_are_used_than_asked_for(recordings):
    settings = replace(QUICK, max_train_minutes=3 / 60)
    lengths = make_batches(recordings, ModelCard(), settings).order.lengths
    assert lengths == (2048, 1024, 0)
