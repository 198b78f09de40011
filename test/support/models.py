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

"""Models and signals small enough for quick tests; hands that touch the keys that go down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.core.keyboard import WHITE_WIDTH_M
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, NEWEST, Landmarks, PianoKeys, Stream, Streams
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import VIEWS, published_card
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.touchnet.shapes import inputs_of, key_places
from kpm_ros.models.weight_files import random_tensors

Array = NDArray[np.float32]
Tensors = dict[str, Array]
WHITES = 50.0
"""White keys that the made-up first view is wide."""
STILL = 3
"""Highest keys, of which nothing is known."""


def listed(
    views: Sequence[str] = VIEWS,
    keys: int = 88,
    first_note: int = 21,
    skeleton: str = "mediapipe-hand",
    dimensions: int = 2,
    more: Sequence[Stream] = (),
) -> Streams:
    """List views of one skeleton, a piano where there are keys, and whatever more there is."""
    points = find_skeleton(skeleton)
    piano = [PianoKeys(first_note=first_note, count=keys)] if keys else []
    return Streams((*(Landmarks(view, points, dimensions) for view in views), *piano, *more))


LARGE = frozenset({"codetalker"})
"""Architectures too large to run in tests; a narrow form of each stands for it."""
POSE_ONLY, KEYS_ONLY = listed(keys=0), listed(views=())
HAND_IN_SPACE = Landmarks(
    "hand", find_skeleton("mediapipe-hand"), 3, coordinates=KEYBOARD, timing=NEWEST
)
IN_SPACE = Streams((HAND_IN_SPACE, PianoKeys()))


def light(seed: int = 0, **fields: Any) -> tuple[ModelCard, Tensors]:
    """Make a small PianoKPM Net with random weights; arguments are fields of its card."""
    card = published_card(**{"name": "light", "architecture": "pianokpm-light", **fields})
    return card, random_tensors(card, seed)


def small(seed: int = 0, **fields: Any) -> tuple[ModelCard, Tensors]:
    """Make a small TouchNet with random weights; arguments are fields of its card."""
    card = published_card(**{"name": "small", "architecture": "touchnet-light", **fields})
    tensors = random_tensors(card, seed)
    tensors["features.gain"][:] = 1
    tensors["outlet.weight"] *= 0.2
    if "features.place" in tensors:
        tensors["features.place"][:] = 0
        tensors["features.place"][0] = WHITES
        tensors["features.place"][-1] = places_of(card)[0] - 0.5
    return card, tensors


def places_of(card: ModelCard) -> Array:
    """Middle of each key, in white keys."""
    piano = card.streams.keys
    return key_places(piano.first_note, piano.count) if piano else np.zeros(0, np.float32)


def signal(card: ModelCard, samples: int, seed: int = 1) -> Array:
    """Make rows as the grid carries them: columns by straight lines, keys that mostly rest."""
    random = np.random.default_rng(seed)
    knots = np.arange(0, samples + 18, 17)
    at = np.arange(samples)
    values = np.zeros((samples, card.streams.width))
    for stream in card.streams:
        part = values[:, card.streams.columns[stream.name]]
        if not isinstance(stream, PianoKeys):
            frames = random.uniform(0.2, 0.8, (len(knots), stream.width))
            part[:] = np.stack([np.interp(at, knots, column) for column in frames.T], axis=1)
            continue
        part[:, -STILL:] = stream.missing
        for key in range(0, stream.count - STILL, 5):
            start, length = random.integers(0, samples, 2) if samples else (0, 0)
            stroke = part[start : start + length, key]
            stroke[:] = np.linspace(0, 1, len(stroke))
    return values.astype(np.float32)


def _playing_in_space(card: ModelCard, samples: int, random: np.random.Generator) -> Array:
    """Let a hand of the usual size, in metres, press one key after another."""
    given, (view,) = inputs_of(card), inputs_of(card).views
    values = np.zeros((samples, card.streams.width))
    still = np.array((0.75, 0.0, 0.06)) + random.uniform(-0.05, 0.05, (view.points, 3))
    still[list(view.tips)] = [(0.70 + 0.0235 * k, 0.03, 0.01) for k in range(len(view.tips))]
    points = still + 0.0003 * random.normal(size=(samples, *still.shape)).cumsum(axis=0)
    values[:, given.pose.start : given.pose.start + view.end] = points.reshape(
        samples, 3 * view.points
    )
    if view.measures:
        values[:, given.pose.start + view.end] = np.arange(samples) % 17 / 1000
    if view.measures > 1:
        values[:, given.pose.start + view.end + 1] = random.uniform(0.001, 0.004, samples)
    if given.keys_sense:
        for start in range(5, samples, 23):
            tip = points[start, random.choice(view.tips), 0] / WHITE_WIDTH_M
            stroke = np.concatenate([np.linspace(0, 1, 8), np.ones(10), np.linspace(1, 0, 5)])
            part = values[start : start + len(stroke), given.keys]
            part[:, np.abs(given.key_places - tip).argmin()] = stroke[: len(part)]
    return values.astype(np.float32)


def playing(card: ModelCard, samples: int, seed: int = 1) -> Array:
    """Make rows of a hand whose fingers press what is beneath them."""
    random = np.random.default_rng(seed)
    given = inputs_of(card)
    values = np.zeros((samples, card.streams.width))
    if given.in_space:
        return _playing_in_space(card, samples, random)
    middle = 0.5 + 0.2 * np.sin(np.arange(samples) / 80)
    tips = given.views[0].tips if given.views else ()
    for number, view in enumerate(given.views):
        still = random.uniform(-0.06, 0.06, (view.points, view.dimensions))
        if number == 0:
            still[list(tips), 0] = np.linspace(-2, 2, len(tips)) / WHITES
        jitter = 0.0002 * random.normal(size=(samples, *still.shape)).cumsum(axis=0)
        points = still + jitter
        points[..., 0] += middle[:, None]
        points[..., 1] += 0.4
        columns = slice(given.pose.start + view.start, given.pose.start + view.end)
        values[:, columns] = points.reshape(samples, view.points * view.dimensions)
    if given.keys_sense:
        keys, places = values[:, given.keys], places_of(card)
        for start in range(5, samples, 23):
            at = places[0] + WHITES * (middle[start] + random.uniform(-2, 2) / WHITES)
            if tips:
                tip = given.pose.start + given.views[0].dimensions * int(random.choice(tips))
                at = places[0] - 0.5 + WHITES * values[start, tip]
            stroke = np.concatenate([np.linspace(0, 1, 8), np.ones(20), np.linspace(1, 0, 10)])
            part = keys[start : start + len(stroke), np.abs(places - at).argmin()]
            part[:] = np.maximum(part, stroke[: len(part)])
        keys[:, -1] = -1
    return values.astype(np.float32)


@torch.inference_mode()
def one_pass(card: ModelCard, tensors: Tensors, values: Array, first_index: int = 0) -> Array:
    """Evaluate a whole signal with torch: what everything else must reproduce."""
    network = architecture_of(card).network(card)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    network.eval()
    rows = torch.from_numpy(values.T.copy())[None]
    found = network(rows, first_index) if first_index else network(rows)
    return found[0].T.numpy()


@dataclass
class Made:
    """A made-up recording on a card's grid."""

    rows: Array
    effort: Array
    person: str = "somebody"

    def values(self, start: int = 0, stop: int | None = None) -> Array:
        """Rows of the grid."""
        return self.rows[start:stop]


def made_examples(card: ModelCard, count: int = 3, samples: int = 3000) -> list[Made]:
    """Make recordings in which effort follows what the columns do."""
    examples = []
    for seed in range(count):
        rows = signal(card, samples, seed + 20)
        turned = np.random.default_rng(0).normal(size=(rows.shape[1], len(card.muscles)))
        effort = 0.1 + 0.02 * np.abs(rows @ turned) / rows.shape[1] ** 0.5
        examples.append(Made(rows, effort.astype(np.float32)))
    return examples


def looks_at_no_others(card: ModelCard, tensors: Tensors, values: Array) -> bool:
    """Tell whether the network looks at the samples that it says, and at no others."""
    at = architecture_of(card).looks_at(card, len(values))
    if at is None:
        return False
    others = values + 1
    others[at] = values[at]
    before = one_pass(card, tensors, values)
    same = np.array_equal(one_pass(card, tensors, others), before)
    others[at[3]] += 1
    return same and not np.array_equal(one_pass(card, tensors, others), before)
