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

"""Which samples of a window a network sees as it does in use, with nothing cut off around them."""

from __future__ import annotations

from kpm_ros.models.card import ModelCard
from kpm_ros.models.registry import architecture_of


def inner_samples(card: ModelCard, window: int, whole: bool) -> slice:
    """Say which samples of a window count: all, or those out of reach of the zeros beyond it."""
    if whole:
        return slice(0, window)
    reach = architecture_of(card).reach(card)
    if window <= reach:
        raise ValueError(
            f"a window of {window} samples is within the model's reach of {reach}: "
            "train on a longer one"
        )
    return slice(reach - card.lookahead, window - card.lookahead)
