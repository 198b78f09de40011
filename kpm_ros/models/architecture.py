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

"""What an architecture is: all that the package asks of a kind of model.

Nothing here imports torch or the compiled code: an architecture imports what it needs when it is
asked for a network or a stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kpm_ros.core.streams import Streams
from kpm_ros.models.card import CardError, ModelCard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from kpm_ros.models.examples import Array, Example, Tensors
    from kpm_ros.models.readout import Readout
    from kpm_ros.models.streaming_network import StreamingNetwork

Shapes = dict[str, tuple[int, ...]]

FIRST_SIZE = 0.05
"""Of the usual random weights of a network's last layer: effort is small, and with those the first
thing to be learnt would be to be quiet."""

ANY_SIZE = -1
"""Stands in a tensor's shape for a size that no card tells."""


class Span(NamedTuple):
    """How a live model lies on the grid, and what a stream's beginning means to it."""

    stride: int
    """Grid samples a frame: the network runs once for so many. A frame begins at every grid index
    that is a multiple of it, wherever the stream begins."""
    settling: int
    """So many of a stream's first outputs may depend on where it began; those after them do not,
    but for what a decoder that is fed its own output has not yet forgotten."""


class Stretch(NamedTuple):
    """Consecutive samples of the grid."""

    first_index: int
    """Grid index of the first sample. A recording on no clock begins its own grid, at 0."""
    values: Array
    """(T, W), with the columns of all streams of the model's card."""


class BatchEstimator(Protocol):
    """Evaluates whole recordings, which gives what streaming them gives, up to rounding."""

    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn each stretch into the effort (T, M) that the network says."""
        ...


Fit = Callable[
    [ModelCard, "Sequence[Example]", "Sequence[Example]", int],
    tuple[ModelCard, "dict[str, Array]"],
]
"""Fits a model of a card to examples, with others to choose by and a seed; the card may come back
fuller."""


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """One kind of model, of which the registry lists all."""

    name: str
    """What users call it."""
    card_name: str = ""
    """What the cards of its models call it; empty for its name."""
    description: str
    live: bool = False
    """Whether the pipeline runs it as it plays; others only work on recordings."""
    fitting: Fit | None = None
    """Fits a model in one go, of what is fitted rather than trained step by step."""
    lookahead_s: float = 0.0
    """How much of the future it waits for unless its card says otherwise."""
    fed_back: bool = False
    """Whether its network decodes each output from the one before: `encode`, then `decode`."""
    grid_rate_hz: int = 0
    """The one rate of the grid that it runs on; 0 for any."""
    own_windows: bool = False
    """Whether it was published on separate windows of its own length, frames at their own times."""
    raw_columns: bool = False
    """Whether it takes columns as they come rather than brought to one size."""
    own_scale: bool = False
    """Whether columns are brought to one size by each person's own movement."""
    turned: bool = False
    """Whether it takes muscles and gives a pose, of a data set that is turned round for it."""
    published: Mapping[str, Any] = field(default_factory=dict)
    """Settings of its own published training, where that is not PianoKPM Net's."""
    quick: Mapping[str, Any] = field(default_factory=dict)
    """Settings of a quick training that suit it better than what suits most."""
    random_gain: Mapping[str, float] = field(default_factory=dict)
    """Layers whose made-up weights are so much larger, for effort between about -1 and 1."""

    def __post_init__(self) -> None:
        """Call its cards what it is called itself unless it says otherwise."""
        if not self.card_name:
            object.__setattr__(self, "card_name", self.name)

    @property
    def fitted(self) -> bool:
        """Whether it is fitted in one go rather than trained step by step."""
        return self.fitting is not None

    # What a card of this architecture may say.

    def new_card(
        self, *, streams: Streams, muscles: Sequence[str], unit: str, rate_hz: int, **given: Any
    ) -> ModelCard:
        """Describe an untrained model; `given` names further fields of the card."""
        card = ModelCard(
            **{
                "name": self.name,
                "architecture": self.card_name,
                "streams": streams,
                "muscles": tuple(muscles),
                "unit": unit,
                "rate_hz": rate_hz,
                "lookahead": self.usual_lookahead(rate_hz),
                **given,
            }
        )
        self.check(card)
        return card

    def usual_streams(self, had: Streams) -> Streams:
        """Choose among a data set's streams those that it takes unless others are asked for."""
        return had

    def usual_lookahead(self, rate_hz: float) -> int:
        """Samples of the future that a model waits for unless its card says otherwise."""
        return round(self.lookahead_s * rate_hz)

    @abstractmethod
    def check(self, card: ModelCard) -> None:
        """Refuse a card that no model of this architecture fits, with a CardError."""

    @abstractmethod
    def shapes(self, card: ModelCard) -> Shapes:
        """List the shape of every tensor by its name; ANY_SIZE stands for any size."""

    def window(self, card: ModelCard) -> int | None:
        """Samples in the windows that it is to be trained and run on; None if any will do."""
        return None

    def reach(self, card: ModelCard) -> int:
        """How many samples before and after it, together, an output surely depends on."""
        return card.lookahead

    def looks_at(self, card: ModelCard, samples: int) -> NDArray[np.int64] | None:
        """Say which samples of a signal that begins with a frame are all its network looks at.

        None for every one.
        """
        return None

    # A model in use.

    def span(self, card: ModelCard) -> Span:
        """Say how a live model lies on the grid."""
        raise self._not_live()

    def stream(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a live model sample by sample."""
        raise self._not_live()

    @abstractmethod
    def batch(self, card: ModelCard, tensors: Tensors, device: str = "cpu") -> BatchEstimator:
        """Make what evaluates a model on whole recordings, on a device of torch."""

    def separate_windows(
        self, card: ModelCard, tensors: Tensors, device: str = "cpu"
    ) -> BatchEstimator:
        """Make what evaluates windows one by one, where it was published so."""
        raise CardError(f"{self.name} has no windows of its own")

    # How a model comes about.

    def network(self, card: ModelCard) -> nn.Module:
        """Make the card's network with whatever weights its layers begin with.

        Its `forward` turns values (B, W, T) into effort (B, M, T), and its `state_dict()` holds the
        tensors of `shapes`.
        """
        raise CardError(f"{self.name} is fitted in one go: it has no network")

    def initial_network(self, card: ModelCard, examples: Sequence[Example], seed: int) -> nn.Module:
        """Make the card's network with random weights, which suit the examples if there are any."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.network(card)
        if examples:
            with torch.no_grad():
                self.suit(network, card, examples)
        return network

    def suit(self, network: nn.Module, card: ModelCard, examples: Sequence[Example]) -> None:
        """Change random weights so that training begins near what is known before it.

        Where a network names its `last` layer, it begins with the mean effort and small deviations
        from it.
        """
        import torch

        from kpm_ros.models.examples import mean_effort

        last: nn.Module | None = getattr(network, "last", None)
        if last is not None:
            last.get_parameter("weight").mul_(FIRST_SIZE)
            last.get_parameter("bias").copy_(torch.from_numpy(mean_effort(examples)))

    def fit(
        self,
        card: ModelCard,
        training: Sequence[Example],
        choosing: Sequence[Example] = (),
        seed: int = 0,
    ) -> tuple[ModelCard, dict[str, Array]]:
        """Fit a model in one go; its card may come back fuller.

        What there is to choose is chosen by how it does on the second examples.
        """
        if self.fitting is None:
            raise CardError(f"{self.name} is a network, which is trained rather than fitted")
        self.check(card)
        return self.fitting(card, training, choosing, seed)

    def readout(self, card: ModelCard, tensors: Tensors) -> Readout:
        """Give the last layer of a model, where effort is a weighted sum of what is given to it."""
        raise CardError(
            f"{self.name} has no last layer that effort follows from directly: it cannot be "
            "adapted to a person in closed form"
        )

    def _not_live(self) -> CardError:
        return CardError(f"{self.name} works on whole recordings only: it cannot be run live")


def check_lookahead(card: ModelCard, longest: int) -> None:
    """Refuse a card that waits for more of the future than its architecture can."""
    if not 0 <= card.lookahead <= longest:
        raise CardError(
            f"a look-ahead of {card.lookahead} samples is outside 0..{longest}, "
            f"what {card.architecture} can have"
        )
