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

"""Messages as gesture models take them."""

from __future__ import annotations

import numpy as np
import pytest
from kpm_ros.msg import ChannelSamples

from kpm_ros.nodes import outgoing
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.wire.decode import RefusedMessageError
from kpm_ros.wire.gesture_signals import chosen, emg_samples, shape_samples

STAMP_NS = 1_700_000_000 * 10**9


def frame(points, size=(640, 360)):
    return outgoing.landmarks_message(
        LandmarkFrame(
            stamp_ns=STAMP_NS,
            view="top",
            index=0,
            points=points,
            confidence=0.9,
            skeleton="mediapipe-hand",
            image_size=size,
        )
    )


def test_a_hand_has_the_same_shape_in_pictures_of_any_form():
    points = np.random.default_rng(0).uniform(size=(21, 3)).astype(np.float32)
    wide = shape_samples(frame(points))
    narrow = shape_samples(frame(points * np.float32((2, 1, 1)), size=(320, 360)))
    assert wide.stamps_ns.tolist() == [STAMP_NS]
    assert wide.samples.shape == (1, len(wide.channels))
    np.testing.assert_allclose(narrow.samples, wide.samples, rtol=1e-4)


def test_a_frame_without_a_hand_is_not_a_number():
    assert np.isnan(shape_samples(frame(None)).samples).all()


def test_samples_are_stamped_one_by_one_and_picked_by_name():
    message = ChannelSamples(rate_hz=200.0, channels=["a", "b"], samples=[1.0, 2.0, 3.0, 4.0])
    read = emg_samples(message)
    assert np.diff(read.stamps_ns).tolist() == [5_000_000]
    assert chosen(read, ["b"], 200.0).tolist() == [[2.0], [4.0]]
    with pytest.raises(ValueError, match="takes the channel 'c'"):
        chosen(read, ["c"], 200.0)


def test_a_rate_that_cannot_be_is_refused():
    with pytest.raises(RefusedMessageError, match="rate_hz is 0"):
        emg_samples(ChannelSamples(channels=["a"], samples=[1.0]))
