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

"""What a parameters file gives a node, and what of it is somebody else's.

What stands under `/**` and is no parameter of a node is left to the others; under a node's own name
it is a mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.core.params_file import Given, meant_for
from kpm_ros.core.settings import declared, nearest

ROS_OWN = ("use_sim_time", "start_type_description_service", "qos_overrides")
"""Parameters that ROS gives to every node, and looks after."""


def said_to_all(words: Sequence[str], node: str) -> set[str]:
    """Which parameters of a node's command line stand in its files only, for every node."""
    for_all: set[str] = set()
    own: set[str] = set()
    for word, value in itertools.pairwise(words):
        if word == "--params-file" and Path(value).is_file():
            table = read_yaml(value)
            given = meant_for(table if isinstance(table, dict) else {}, node)
            for_all |= given.for_all
            own |= given.values.keys() - given.for_all
        elif word in ("-p", "--param"):
            own.add(value.partition(":=")[0].rpartition(":")[2])
    return for_all - own


def own(kind: type, given: Given) -> tuple[dict[str, Any], list[str]]:
    """Leave out what is ROS's and what is other nodes'.

    Gives as well a sentence for each parameter for all nodes that no node of the pipeline has.
    """
    ours = declared(kind)
    values: dict[str, Any] = {}
    others: list[str] = []
    for name, value in given.values.items():
        if name.partition(".")[0] in ROS_OWN:
            continue
        if name in ours or name not in given.for_all:
            values[name] = value
        else:
            others.append(name)
    return values, _strange(others)


def _strange(names: list[str]) -> list[str]:
    if not names:
        return []
    # Loaded only where needed: it takes in what the settings of every node are made of.
    from kpm_ros.nodes.node_settings import KINDS

    known = {name for every in KINDS.values() for name in declared(every)}
    return [
        f"the parameter {name!r} is given to all nodes, but none of the pipeline has it"
        f"{nearest(name, known)}"
        for name in names
        if name not in known
    ]
