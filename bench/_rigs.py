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

"""The exoskeletons of `bench/assist.py`, and who wears them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.muscle_weights import write_weights
from kpm_ros.core.resources import find_model
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.weight_files import read_card
from kpm_ros.simulate.elbow import JOINT, AssistedElbow
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exoskeleton import Assisted, AssistedHand
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.worn_joint import Assist


class Rig(NamedTuple):
    """Somebody in an exoskeleton, and how it is driven."""

    prefix: str
    """Of its figures."""
    who: str
    """In the titles of tables."""
    worn: Assisted
    config: AssistanceConfig
    card: ModelCard
    """Of the model that estimates this effort."""
    delay_s: float
    """Of effort."""
    delays_s: tuple[float, ...]
    """That are tried offline: effort older than `max_age_s` is never acted on."""
    error: float
    """RMSE of the estimate of effort."""
    measures: tuple[str, str]
    """What it is called by how much movements come out otherwise: in time, and as a share."""

    def assist(self, config: AssistanceConfig, delay_s: float) -> Assist:
        """Give what becomes of effort by these gains."""
        return Assist(most_of(config), delay_s, config.smoothing_s)

    def settings(self, node: str) -> list[str]:
        """Give the parameters that this node needs beside its own, as NAME:=VALUE."""
        limit = f"max_torque_nm:={self.config.max_torque_nm}"
        if node == "relay":
            return ["rate_hz:=500.0", limit, f"joints:={list(self.config.joints)}"]
        rate = f"max_torque_rate_nm_s:={self.config.max_torque_rate_nm_s}"
        return ["drive_echo:=true", limit, rate, f"gains:={write_weights(self.config.gain)}"]


def finger_rig(person: int, delay_s: float, error: float) -> Rig:
    """Fingers of a pianist, at the gains that ship."""
    hand = AssistedHand(Person.from_seed(person), random_study(person, 15.0))
    names = ("note_shift_ms", "force_change_fraction")
    delays_s = (0.0, delay_s, 2 * delay_s)
    who, card = "pianist", published_card()
    return Rig("", who, hand, AssistanceConfig(), card, delay_s, delays_s, error, names)


ELBOW_GAIN = {JOINT: {"RBicep": 12.0}}


def elbow_rig(person: int, delay_s: float, error: float) -> Rig:
    """An elbow that lifts a weight, in a soft exoskeleton, by effort of the body's model."""
    elbow = AssistedElbow(ExercisingPerson.from_seed(person), person)
    config = AssistanceConfig(gain=ELBOW_GAIN)
    # As fast as the fingers' is, for its size.
    larger = elbow.most_nm / config.max_torque_nm
    config = replace(
        config,
        max_torque_nm=elbow.most_nm,
        max_torque_rate_nm_s=config.max_torque_rate_nm_s * larger,
    )
    card = read_card(find_model("bodynet-sim"))
    names = ("shift_ms", "height_change_fraction")
    delays_s = (0.0, delay_s, 1.5 * delay_s)
    return Rig("elbow_", "elbow", elbow, config, card, delay_s, delays_s, error, names)


def most_of(config: AssistanceConfig) -> float:
    """Give the largest gain of any joint from all of its muscles."""
    return max(sum(map(abs, row.values())) for row in config.gain.values())


def scaled(config: AssistanceConfig, scale: float) -> AssistanceConfig:
    """Gains so many times as large."""
    gain = {
        joint: {muscle: value * scale for muscle, value in row.items()}
        for joint, row in config.gain.items()
    }
    return replace(config, gain=gain)
