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

"""The networks and baselines of Muscles in Action among the architectures."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kpm_ros.core.stream_kinds import IMAGE, METRIC
from kpm_ros.core.streams import Landmarks, Streams
from kpm_ros.models.architecture import FIRST_SIZE, Architecture, Shapes
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.examples import Array, Tensors, mean_effort
from kpm_ros.models.mia import neighbours
from kpm_ros.models.mia.published import PERSON, RATE_HZ, WINDOW
from kpm_ros.models.sliding_window import Evaluate, SlidingArchitecture
from kpm_ros.models.windowed import WindowedArchitecture, network_shapes

if TYPE_CHECKING:
    from torch import nn

    from kpm_ros.models.examples import Example

_PLACE = "kpm_ros.models.mia.network"
_PUBLISHED_PLACE = "kpm_ros.models.mia.published_networks"
_OURS_PLACE = "kpm_ros.models.mia.muscles_to_pose"

_2023: dict[str, Any] = {
    "epochs": 100.0,
    "batch": 64,
    "overlap": 0,
    "pose_timing": "stamps",
    "learning_rate": 5e-5,
    "schedule": "constant",
    "sinkhorn": 0.0,
    "seed": 100,
    "keep": "last",
}
"""AdamW as torch has it, mean squared error, evaluated after the last epoch."""
_FIRST = _2023 | {"learning_rate": 5e-6, "batch": 32, "weight_decay": 0.0}
"""Adam is AdamW without decay. How long was not published: as long as the later one."""
_QUICK: dict[str, Any] = {
    "epochs": 100.0,
    "window": WINDOW,
    "overlap": WINDOW // 2,
    "batch": 32,
    "sinkhorn": 0.0,
    "adam_epsilon": 1e-8,
    "gradient_limit": 0.0,
    "check_every": 100,
}


_TO_POSE: dict[str, Any] = {
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "weight_decay": 0.05,
    "gradient_limit": 1.0,
    "augment": 5.0,
    "keep": "best",
}
"""Of ours: strong people differ more in their effort than sensors do."""


def _told(had: Streams) -> tuple[Any, ...]:
    return tuple(stream for stream in had if stream.name == PERSON)


def _view(had: Streams, coordinates: str) -> tuple[Landmarks, ...]:
    """Give the first view of some coordinates, or else the first one."""
    of_kind = [view for view in had.landmarks if view.coordinates == coordinates]
    return tuple([*of_kind, *had.landmarks][:1])


def _joints_and_person(had: Streams) -> Streams:
    return Streams((*_view(had, METRIC), *_told(had)))


def _picture(had: Streams) -> Streams:
    return Streams(_view(had, IMAGE))


def _all(had: Streams) -> Streams:
    return had


def _muscles(had: Streams) -> Streams:
    return Streams(tuple(stream for stream in had if stream not in _told(had)))


@dataclass(frozen=True, kw_only=True)
class _OfWindows(SlidingArchitecture):
    """Of windows of 3 s at 10 Hz; it can do without knowing who the person is."""

    grid_rate_hz: int = RATE_HZ
    window_samples: int = WINDOW
    raw_columns: bool = True
    chosen: Callable[[Streams], Streams]

    def usual_streams(self, had: Streams) -> Streams:
        """Choose what it was published with."""
        return self.chosen(had)

    def new_card(
        self, *, streams: Streams, muscles: Sequence[str], unit: str, rate_hz: int, **given: Any
    ) -> ModelCard:
        """Describe an untrained model, which can do without the person's number."""
        optional = tuple(given.pop("optional", ()))
        if PERSON in streams.senses and PERSON not in optional:
            optional = (*optional, PERSON)
        return super().new_card(
            streams=streams,
            muscles=muscles,
            unit=unit,
            rate_hz=rate_hz,
            optional=optional,
            **given,
        )

    def check(self, card: ModelCard) -> None:
        """Refuse a card with nothing but the person, or whose columns are changed first."""
        super().check(card)
        if len(card.streams) == sum(stream.name == PERSON for stream in card.streams):
            raise CardError(f"{self.name} needs a stream or more besides {PERSON!r}")
        if card.offset or card.scale:
            raise CardError(
                f"{self.name} takes its columns as they are: its card must have no offset or scale"
            )


@dataclass(frozen=True, kw_only=True)
class _Network(_OfWindows):
    """A network, as published unless it stands elsewhere."""

    network_class: str
    """Its class, made of a card, which names its layer `last`."""
    place: str = _PUBLISHED_PLACE

    def shapes(self, card: ModelCard) -> Shapes:
        """Ask the network itself, without making any weights."""
        return network_shapes(self, card)

    def network(self, card: ModelCard) -> nn.Module:
        """Make the card's network with whatever weights its layers begin with."""
        self.check(card)
        module = importlib.import_module(self.place)
        return cast("nn.Module", getattr(module, self.network_class)(card))

    def suit(self, network: nn.Module, card: ModelCard, examples: Sequence[Example]) -> None:
        """Begin near the mean, whatever the outputs are multiplied by."""
        import torch

        last, scale = cast("nn.Module", network.last), getattr(network, "_scale", 1.0)
        last.get_parameter("weight").mul_(FIRST_SIZE)
        last.get_parameter("bias").copy_(torch.from_numpy(mean_effort(examples) / scale))

    def evaluator(self, card: ModelCard, tensors: Tensors, device: str) -> Evaluate:
        """Run the network on windows."""
        import torch

        from kpm_ros.models.whole_recordings import usable_device

        found = usable_device(device)
        network = self.network(card)
        state = {name: torch.from_numpy(np.asarray(array)) for name, array in tensors.items()}
        network.load_state_dict(state)
        network = network.eval().to(found)

        def evaluate(windows: Array) -> Array:
            values = torch.from_numpy(np.ascontiguousarray(windows)).to(found).transpose(1, 2)
            with torch.inference_mode():
                effort: Array = network(values).transpose(1, 2).cpu().numpy()
            return effort

        return evaluate


@dataclass(frozen=True, kw_only=True)
class _Neighbour(_OfWindows):
    """Gives what was measured in a window of the training data."""

    finder: neighbours.Finder

    def shapes(self, card: ModelCard) -> Shapes:
        """List the windows, and what was measured in each."""
        return neighbours.shapes(card)

    def evaluator(self, card: ModelCard, tensors: Tensors, device: str) -> Evaluate:
        """Find a window of the training data for each."""
        return neighbours.evaluator(card, tensors, self.finder)


ARCHITECTURES: tuple[Architecture, ...] = (
    WindowedArchitecture(
        name="mia-cnn",
        description="the five-layer CNN of Muscles in Action, at any rate and with any senses",
        network_class=f"{_PLACE}:MiaCnn",
    ),
    WindowedArchitecture(
        name="mia-transformer",
        description="the Transformer of Muscles in Action, at any rate and with any senses",
        network_class=f"{_PLACE}:MiaTransformer",
    ),
    _Network(
        name="mia-iccv",
        description="the Transformer of Muscles in Action as released in 2023, 3 s at 10 Hz",
        network_class="Transformer2023",
        chosen=_joints_and_person,
        published=_2023,
        quick=_QUICK,
    ),
    _Network(
        name="mia-iccv-pose",
        description="the same turned round: from muscles to the pose that goes with them",
        network_class="Transformer2023",
        live=False,
        turned=True,
        chosen=_all,
        published=_2023 | {"learning_rate": 5e-4},
        quick=_QUICK,
    ),
    _Network(
        name="muscles-to-pose",
        description="ours, from muscles to the pose that goes with them, small and soon trained",
        network_class="MusclesToPose",
        place=_OURS_PLACE,
        live=False,
        turned=True,
        chosen=_muscles,
        published=_2023 | _TO_POSE,
        quick=_QUICK | {"batch": 64} | _TO_POSE,
    ),
    _Network(
        name="mia-paper-transformer",
        description="the Transformer of Muscles in Action's paper, 3 s at 10 Hz",
        network_class="FirstTransformer",
        chosen=_picture,
        published=_FIRST,
        quick=_QUICK,
    ),
    _Network(
        name="mia-paper-cnn",
        description="the CNN of Muscles in Action's paper, 3 s at 10 Hz",
        network_class="FirstCnn",
        chosen=_picture,
        published=_FIRST | {"batch": 8},
        quick=_QUICK,
    ),
    _Neighbour(
        name="nearest-window",
        description="effort of the training window of 3 s that looked most alike",
        fitting=neighbours.fit,
        finder=neighbours.nearest,
        chosen=_joints_and_person,
    ),
    _Neighbour(
        name="random",
        description="effort of a training window of 3 s drawn by chance",
        fitting=neighbours.fit,
        finder=neighbours.drawn,
        chosen=_joints_and_person,
    ),
)
