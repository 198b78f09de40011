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

"""The baselines among the architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpm_ros.models.architecture import Architecture, Shapes, Span, check_lookahead
from kpm_ros.models.baselines import shapes
from kpm_ros.models.baselines.fitting import fit_mean, fit_nearest, fit_ridge
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.pianokpm.published import LOOKAHEAD, RATE_HZ
from kpm_ros.models.streamed import StreamedArchitecture

if TYPE_CHECKING:
    from kpm_ros.models.streaming_network import StreamingNetwork


@dataclass(frozen=True, kw_only=True)
class Baseline(StreamedArchitecture):
    """A model that is fitted in one go, and run with numpy."""

    stream_class: str
    """In this folder's `stream`."""
    listed: Callable[[ModelCard], Shapes]
    looks_around: bool = True
    """Whether an output depends on the rows around it, or on none."""

    def check(self, card: ModelCard) -> None:
        """Refuse a card without anything to look at, or that waits for more than is looked at."""
        if not self.looks_around:
            return
        if not card.streams:
            raise CardError(f"{self.name} needs a stream or more, and the card lists none")
        check_lookahead(card, shapes.reach(card))

    def usual_lookahead(self, rate_hz: float) -> int:
        """As much of the future as PianoKPM Net waits for, or none where nothing is looked at."""
        return super().usual_lookahead(rate_hz) if self.looks_around else 0

    def shapes(self, card: ModelCard) -> Shapes:
        """List the shape of every tensor by its name."""
        return self.listed(card)

    def span(self, card: ModelCard) -> Span:
        """Give an output for every sample."""
        return Span(1, shapes.reach(card) - card.lookahead if self.looks_around else 0)

    def streaming(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a model sample by sample."""
        from kpm_ros.models.baselines import stream

        made: StreamingNetwork = getattr(stream, self.stream_class)(card, tensors, self.span(card))
        return made


ARCHITECTURES: tuple[Architecture, ...] = (
    Baseline(
        name="mean",
        description="always the mean effort of the training data",
        stream_class="MeanStream",
        listed=shapes.mean_shapes,
        fitting=fit_mean,
        looks_around=False,
    ),
    Baseline(
        name="mean-pose",
        description="always the mean pose of the training data, whatever the muscles do",
        live=False,
        turned=True,
        stream_class="MeanStream",
        listed=shapes.mean_shapes,
        fitting=fit_mean,
        looks_around=False,
    ),
    Baseline(
        name="nearest",
        description="effort of the training instant that looked most alike, of at most 16384",
        stream_class="NearestStream",
        listed=shapes.nearest_shapes,
        fitting=fit_nearest,
        lookahead_s=LOOKAHEAD / RATE_HZ,
    ),
    Baseline(
        name="ridge",
        description="ridge regression on all columns at seven moments within 61 ms",
        stream_class="RidgeStream",
        listed=shapes.ridge_shapes,
        fitting=fit_ridge,
        lookahead_s=LOOKAHEAD / RATE_HZ,
    ),
)
