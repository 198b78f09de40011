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

"""What a recording says of itself: by which code, model and parameters it was made, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kpm_ros.core.foreign_files import printable
from kpm_ros.core.registration import Registration
from kpm_ros.core.resources import find_model
from kpm_ros.core.sides import HANDS, RIGHT
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import EFFORT_INFO, TopicFinder

SHOWN_OF_SHA256 = 12
SIMULATORS = ("simulator", "motion_player")
"""Nodes of which cameras see what no camera has seen: of a played movement, too."""


def effort_models(bag: BagReader, finder: TopicFinder) -> dict[str, str]:
    """Names of the models that made the recorded effort, by their sha256."""
    topic = finder.find(EFFORT_INFO)
    infos = (bag.decode(message) for message in (bag.messages([topic]) if topic else ()))
    return {str(info.model_sha256): printable(str(info.model)) for info in infos}


def hand(facts: Mapping[str, str], namespace: str) -> str:
    """Whose effort the live run estimated; a bag that does not say holds the right hand's."""
    told = parameters(facts, namespace, "inference").get("hand")
    return told if told in HANDS else RIGHT


def model(facts: Mapping[str, str], namespace: str) -> str:
    """Which model the live run had, a shipped one's name or a path; "" where it is not here."""
    told = parameters(facts, namespace, "inference").get("model")
    with suppress(OSError, ValueError):
        if isinstance(told, str) and find_model(told):
            return told
    return ""


def simulated(facts: Mapping[str, str]) -> bool:
    """Whether the devices were: a recording tells the parameters of every node that ran."""
    nodes = _table(facts.get("parameters", ""))
    return any(name.rpartition("/")[2] in SIMULATORS for name in nodes)


def registration(facts: Mapping[str, str]) -> Registration | None:
    """Where the cameras stood in the live run; None where that was not known to it."""
    told = facts.get("registration", "")
    return Registration.from_plain(_table(told), "the bag's registration") if told else None


def described(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Say in words, each with what it is about, what the recorder has told."""
    code = [facts.get("recorded_by", ""), facts.get("commit", "")]
    host = _table(facts.get("host", ""))
    where = [str(host[name]) for name in ("processor", "system") if name in host]
    models = zip(_listed(facts, "model"), _listed(facts, "model_sha256"), strict=False)
    said = {
        "recorded": ", ".join(filter(None, [" ".join(filter(None, code)), *where])),
        "model": ", ".join(named(name, sha256) for name, sha256 in models),
    }
    return [(label, printable(text)) for label, text in said.items() if text]


def named(model: str, sha256: str) -> str:
    """Name a model so that it cannot be taken for another of that name."""
    return f"{model} (sha256 {sha256[:SHOWN_OF_SHA256]}...)"


def parameters(facts: Mapping[str, str], namespace: str, node: str) -> Mapping[str, Any]:
    """Give the parameters of a node that the recorder has found in force; none where it did not."""
    recorded = _table(facts.get("parameters", "")).get(f"/{namespace}/{node}")
    return recorded if isinstance(recorded, dict) else {}


def differences(
    facts: Mapping[str, str], namespace: str, in_force: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say which parameters of these nodes are not those that the recorder has found in force."""
    found = []
    for node, values in in_force.items():
        recorded = parameters(facts, namespace, node)
        for name, value in values.items():
            if name in recorded and recorded[name] != value:
                was = json.dumps(recorded[name])
                found.append(printable(f"{node}: {name} is {json.dumps(value)}, and was {was}"))
    return found


def _listed(facts: Mapping[str, str], name: str) -> list[str]:
    return [word for word in facts.get(name, "").split(", ") if word]


def _table(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
