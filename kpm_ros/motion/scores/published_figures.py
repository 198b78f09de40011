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

"""Figures that PianoMotion10M published of its models, which are of other data than ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kpm_ros.core.sides import LEFT, RIGHT

SOURCE = (
    "PianoMotion10M (Gan et al., 2024), table 3: means over clips of two pianists' videos, scores "
    "as coded"
)
FIGURES = ("fgd_as_coded", "wgd_as_coded", "pd_as_coded", "smooth_as_coded")


class Published(NamedTuple):
    """One published row: figures in the order of FIGURES, by hand."""

    left: tuple[float, ...]
    right: tuple[float, ...]

    def of(self, side: str) -> tuple[float, ...]:
        """Give one hand's."""
        return {LEFT: self.left, RIGHT: self.right}[side]


PUBLISHED: Mapping[str, Published] = {
    "EmoTalk": Published((0.445, 0.232, 0.044, 0.353), (0.360, 0.259, 0.033, 0.313)),
    "LivelySpeaker": Published((0.538, 0.220, 0.038, 0.406), (0.535, 0.249, 0.030, 0.334)),
    "base W2V-SSM": Published((0.425, 0.223, 0.042, 0.412), (0.416, 0.246, 0.034, 0.335)),
    "base W2V-TF": Published((0.426, 0.219, 0.040, 0.402), (0.424, 0.246, 0.033, 0.334)),
    "base HuB-SSM": Published((0.432, 0.218, 0.041, 0.407), (0.402, 0.247, 0.033, 0.336)),
    "base HuB-TF": Published((0.432, 0.219, 0.041, 0.412), (0.418, 0.247, 0.034, 0.338)),
    "large W2V-SSM": Published((0.430, 0.219, 0.038, 0.253), (0.421, 0.244, 0.031, 0.208)),
    "large W2V-TF": Published((0.372, 0.214, 0.038, 0.251), (0.354, 0.244, 0.030, 0.209)),
    "large HuB-SSM": Published((0.406, 0.217, 0.037, 0.237), (0.403, 0.244, 0.030, 0.214)),
    "large HuB-TF": Published((0.372, 0.217, 0.037, 0.248), (0.351, 0.244, 0.030, 0.205)),
}
