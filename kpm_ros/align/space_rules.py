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

"""How much of what views see is believed where several of them make points in space."""

from __future__ import annotations

from dataclasses import dataclass

from kpm_ros.core.settings import CheckedSettings, setting


@dataclass(frozen=True)
class SpaceRules(CheckedSettings):
    """How much of what a tracker sees is believed where several cameras make points in space."""

    noise_px: float = setting(
        2.5,
        "standard error of a landmark, in pixels of an image that is 1280 wide",
        least=0.1,
        most=100.0,
    )
    depth_noise: float = setting(
        0.01,
        "standard error of a landmark's relative depth, as a fraction of the image's width",
        least=0.001,
        most=1.0,
    )
    hand_size_error: float = setting(
        0.08,
        "standard error of an unknown person's hand size, relative to the usual one; it counts "
        "where one camera sees the hand, until two views or key strikes have told the size",
        least=0.0,
        most=0.5,
    )
    outlier_sigma: float = setting(
        4.0,
        "views that contradict each other by more standard errors than this are not both believed",
        least=1.0,
        most=100.0,
    )
    smoothed_s: float = setting(
        0.03,
        "models of pictures, fed by registered cameras: to each side, the time over which points "
        "are smoothed, and by which their samples leave later; 0 = as they were found",
        least=0.0,
        most=0.2,
    )
