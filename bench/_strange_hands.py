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

"""How soon hands of unusual size are noticed, and cameras of pictures that nobody registered.

Everybody and every room is SIMULATED, and none was in training. Models are those that are shipped;
what is noticed is by what their cards say of the hands that they were trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from _unfamiliar import FIRST_ROOM, IN_TIME_S, Outcome

from kpm_ros.align.hand_watch import HandWatch
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.core.resources import find_model
from kpm_ros.learn.recordings.aligned_performance import align_performance
from kpm_ros.models.card import ModelCard
from kpm_ros.models.weight_files import read_card
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.rooms import Room, draw_room, published_room
from kpm_ros.simulate.tasks import TASKS, task

RATE_HZ, SECONDS = 64, 10.0
HANDS = {"usual hand": None, "hand 0.75 times as large": 0.75, "hand 1.3 times as large": 1.3}
VIEWS = {"usual view": 0.01, "view 10 cm off": 0.10, "view 20 cm off": 0.20}
"""Standard deviation of how far a camera stands from where training had it, in metres."""


def strange_hands(rooms: int) -> Iterator[Outcome]:
    """Try hands in so many rooms, of which every other one has one camera, and views in as many."""
    space, pictures = (
        read_card(find_model(name)) for name in ("touchnet-sim-rooms", "touchnet-sim")
    )
    for seed in range(FIRST_ROOM, FIRST_ROOM + rooms):
        person = Person.from_seed(seed)
        room = draw_room(seed, cameras=1 if seed % 2 else None)
        for kind, size in HANDS.items():
            played = person if size is None else replace(person, hand_size=size)
            yield _outcome(kind, space, played, room, seed)
        for kind, metres in VIEWS.items():
            usual = published_room()
            cameras = tuple(one.nudged(seed + k, metres) for k, one in enumerate(usual.cameras))
            yield _outcome(kind, pictures, person, replace(usual, cameras=cameras), seed)


def hand_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Sum up: what is noticed in time, and in how many familiar performances anything is said."""

    def noticed(within_s: float, *kinds: str) -> float:
        return float(np.mean([one.noticed_s <= within_s for one in outcomes if one.kind in kinds]))

    usual_hand, *hands = HANDS
    usual_view, *views = VIEWS
    return {
        "strange_hands_detected": noticed(IN_TIME_S, *hands),
        "strange_views_detected": noticed(IN_TIME_S, *views),
        "familiar_hands_flagged": noticed(SECONDS, usual_hand),
        "familiar_views_flagged": noticed(SECONDS, usual_view),
    }


def _outcome(kind: str, card: ModelCard, person: Person, room: Room, seed: int) -> Outcome:
    """Let somebody play, and say when something is noticed."""
    score = task(1 + seed % len(TASKS), seed, SECONDS + 4)
    pianist = make_pianist(score, seed, person, "anatomical")
    rows = align_performance(pianist, room, card.streams, SECONDS, seed=seed, rate_hz=RATE_HZ)
    flags = np.zeros(len(rows.values), FlagBits)
    stamps_ns = Grid(RATE_HZ).stamps_ns(0, len(flags))
    HandWatch(card.streams, card.familiar).look(stamps_ns, rows.values, rows.missing, flags)
    said = np.flatnonzero(flags)
    return Outcome(kind, len(room.cameras), float(said[0]) / RATE_HZ if len(said) else np.inf)
