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

from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import TimeSeries
from kpm_ros.learn.training.batches import BatchStream, cut, make_batches
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.pianokpm.published import published_card
from support.small_release import write_release

QUICK = make_settings("quick", batch=6, window=200)
CARD = published_card()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> list[GridRecording]:
    dataset = open_dataset(write_release(tmp_path_factory.mktemp("data"), seconds=2))
    return dataset.on_grid(dataset.splits["train"], CARD)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("start", "length"), [(0, 300), (777, 256), (2048 - 100, 100)])
def test_a_window_by_stamps_is_what_the_whole_recording_has_there(recordings, start, length):
    one = recordings[0]
    values, missing, effort = cut(one, start, length, False, CARD)
    assert np.array_equal(values, one.values()[start : start + length])
    assert np.array_equal(effort, one.effort[start : start + length])
    assert not missing.any()


def test_a_stretched_window_has_the_ends_of_its_frames_on_its_ends(recordings):
    one = recordings[0]
    values, _, _ = cut(one, 1024, 1024, True, CARD)
    top, right = (one.recording.series_of(view).values for view in ("top", "right"))
    assert np.array_equal(values[[0, -1], :84], np.hstack([top, right])[[60, 119]])


def test_stretched_windows_must_begin_with_a_frame(recordings):
    settings = replace(QUICK, pose_timing="window", shifted=False)
    with pytest.raises(ValueError, match="give multiples of 256, or pose-timing stamps"):
        make_batches(recordings, CARD, settings)


def test_windows_of_a_model_with_frames_begin_with_one(recordings):
    touchnet = published_card(architecture="touchnet")
    assert make_batches(recordings, touchnet, QUICK).order.stride == 8
    assert make_batches(recordings, CARD, QUICK).order.stride == 1


def test_a_dropped_sense_is_neutral_and_all_else_is_as_it_was(recordings):
    scaled = replace(CARD, offset=(0.5,) * 172, scale=(2.0,) * 172)
    card = replace(scaled, optional=("pose", "keys"))
    settings = replace(QUICK, drop_senses=1.0, window=600)
    dropped = make_batches(recordings, card, settings).at(3)
    plain = make_batches(recordings, scaled, settings).at(3)
    pose, keys = slice(0, 84), slice(84, 172)
    neutral = torch.from_numpy(neutral_row(card))[:, None]
    alike = dropped.values == neutral
    no_pose, no_keys = alike[:, pose].all(dim=1), alike[:, keys].all(dim=1)
    assert torch.equal(dropped.effort, plain.effort)
    for columns, gone, sense in ((pose, no_pose, "pose"), (keys, no_keys, "keys")):
        kept, before = (x.values[:, columns].mT[~gone] for x in (dropped, plain))
        assert torch.equal(kept, before)
        assert torch.equal(gone, (dropped.missing & card.streams.bits(sense)) != 0)
    assert not (no_pose & no_keys).any()
    assert (no_pose | no_keys).any(dim=1).all()


def unseen_at_first(series: TimeSeries) -> TimeSeries:
    if series.stream.name == "keys":
        return series
    values = np.array(series.values)
    values[:60] = np.nan
    return TimeSeries(series.stream, values)


def test_what_a_recording_lacks_is_as_if_it_was_dropped(recordings):
    card = replace(CARD, optional=("pose",))
    whole = recordings[0].recording
    one = GridRecording.of(replace(whole, series=tuple(map(unseen_at_first, whole.series))), card)
    values, missing, _ = cut(one, 0, 900, False, card)
    assert (missing == 0b011).all()
    assert np.array_equal(values[:, :84], np.tile(neutral_row(card)[:84], (900, 1)))


def test_devices_share_a_batch_between_them(recordings):
    batches = make_batches(recordings, CARD, QUICK)
    whole, shares = batches.at(2), [batches.at(2, device, 2) for device in range(2)]
    assert torch.equal(whole.effort[0::2], shares[0].effort)
    assert torch.equal(whole.effort[1::2], shares[1].effort)


def test_a_stream_goes_on_at_its_step_whoever_prepares_it(recordings):
    batches = make_batches(recordings, CARD, QUICK)
    alone = list(islice(iter(BatchStream(batches, 3, 0, 1)), 5))
    assert same(alone[0], batches.at(3))
    helped = DataLoader(BatchStream(batches, 3, 0, 1), batch_size=None, num_workers=2)
    assert all(same(a, b) for a, b in zip(alone, islice(iter(helped), 5), strict=True))


def test_no_more_minutes_are_used_than_asked_for(recordings):
    settings = replace(QUICK, max_train_minutes=3 / 60)
    lengths = make_batches(recordings, CARD, settings).order.lengths
    assert lengths == (2048, 1024, 0)
