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

"""Which windows a training step is made of."""

from __future__ import annotations

import pytest

from kpm_ros.learn.training.windows import WindowOrder, window_starts

ORDER = WindowOrder((3000, 1500), window=1024, overlap=256, batch=2, seed=3)


def test_neighbouring_windows_share_the_overlap_and_all_fit():
    assert window_starts(1024 + 2 * 768, 1024, 256).tolist() == [0, 768, 1536]
    assert window_starts(1024 + 2 * 768 - 1, 1024, 256).tolist() == [0, 768]
    assert window_starts(1023, 1024, 256).tolist() == []


def test_an_epoch_takes_every_window_once():
    plain = WindowOrder((3000, 1500), window=1024, overlap=1023, batch=7, seed=3)
    seen = [w for step in range(plain.steps_per_epoch) for w in plain.batch_at(step)]
    assert sorted(seen) == sorted(plain.windows)


def test_windows_stay_within_their_recording():
    for step in range(20 * ORDER.steps_per_epoch):
        for window in ORDER.batch_at(step):
            assert 0 <= window.start <= ORDER.lengths[window.recording] - ORDER.window


@pytest.mark.parametrize("shifted", [True, False])
def test_windows_begin_with_a_frame_of_the_model(shifted):
    order = WindowOrder((3001, 1501), 1023, 256, batch=2, seed=3, shifted=shifted, stride=8)
    starts = {w.start for step in range(20 * order.steps_per_epoch) for w in order.batch_at(step)}
    assert not any(start % 8 for start in starts)
    assert len(starts) > (50 if shifted else 2)


def test_a_step_follows_from_the_seed_alone():
    again = WindowOrder((3000, 1500), window=1024, overlap=256, batch=2, seed=3)
    other = WindowOrder((3000, 1500), window=1024, overlap=256, batch=2, seed=4)
    assert [ORDER.batch_at(step) for step in range(9)] == [again.batch_at(s) for s in range(9)]
    assert [ORDER.batch_at(step) for step in range(9)] != [other.batch_at(s) for s in range(9)]


def test_epochs_cut_differently():
    first = {w for step in range(ORDER.steps_per_epoch) for w in ORDER.batch_at(step)}
    second = {
        w
        for step in range(ORDER.steps_per_epoch, 2 * ORDER.steps_per_epoch)
        for w in ORDER.batch_at(step)
    }
    assert first != second


def test_windows_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="cannot overlap by 1024"):
        window_starts(5000, 1024, 1024)
    with pytest.raises(ValueError, match="no recording is as long"):
        WindowOrder((1000,), window=1024, overlap=0, batch=1, seed=0)
    with pytest.raises(ValueError, match="1 or more"):
        WindowOrder((2000,), window=1024, overlap=0, batch=0, seed=0)
