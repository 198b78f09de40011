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

"""The SROS2 policy: what each node of the graph may do on the network, and nothing else.

`config/security/policy.xml` is made from the graph here:
`python -m kpm_ros.operate.security > config/security/policy.xml`; with the options of another
pipeline (`namespace:=NAME model:=MODEL registration:=FILE hand:=both`), it is that one's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree

from kpm_ros import graph
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.options import add_pipeline_options, pipeline_options, spell_out
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import SHOW, PipelineOptions
from kpm_ros.pipeline_topics import SPOKEN_BY_EVERY_NODE

EVERY_NODE_PUBLISHES = SPOKEN_BY_EVERY_NODE
EVERY_NODE_SUBSCRIBES = ("/clock",)
EVERY_NODE_SERVES = (
    "~/describe_parameters",
    "~/get_parameter_types",
    "~/get_parameters",
    "~/list_parameters",
    "~/set_parameters",
    "~/set_parameters_atomically",
    "~/get_type_description",
)
"""ROS gives these to every node; nobody in the policy may call those that change parameters."""

RECORDER = "recorder"
ASKED_OF_ALL = ("list_parameters", "get_parameters")
"""What the recorder asks every node, to write down what was in force."""

SERVES: Mapping[str, tuple[str, ...]] = {
    "emg": ("~/record_mvc",),
    "exo": ("~/enable", "~/stop"),
    "gesture": ("~/enable",),
}
"""What nodes offer besides topics, by the kind of the node."""

MANAGED_SERVES = (
    "~/change_state",
    "~/get_available_states",
    "~/get_available_transitions",
    "~/get_state",
    "~/get_transition_graph",
)
MANAGED_PUBLISHES = ("~/transition_event",)
"""ROS gives these to every node that its lifecycle tools manage."""

IMAGES = ("image_raw", "camera_info")
"""What a camera publishes beside the hand, while somebody listens."""

SPACE: Mapping[str, tuple[str, ...]] = {
    "synchronizer": ("hand/points", "hand/markers", "/tf_static"),
}
"""What is published of a hand in space: while somebody listens, and where cameras stand."""

CALIBRATES = ("set_camera_info",)
"""What it serves there."""


@dataclass
class Profile:
    """What one node, in an enclave of its own, may do."""

    node: str
    publishes: list[str] = field(default_factory=list)
    subscribes: list[str] = field(default_factory=list)
    serves: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def profiles(options: PipelineOptions) -> list[Profile]:
    """Every node that a graph can have, whichever devices it has, and those who use it."""
    found: dict[str, Profile] = {}
    for source in ("simulator", "devices"):
        whole = replace(options, source=source, record="bag", drive="here", view=SHOW)
        for node in graph.build(whole):
            profile = found.setdefault(node.name, _new(node))
            _add(profile.publishes, [*node.publishes, *_beside_hands(node, IMAGES)])
            _add(profile.publishes, SPACE.get(node.name, ()))
            _add(profile.subscribes, node.subscribes)
    others = [name for name in found if name != RECORDER]
    found[RECORDER].calls = [f"{name}/{service}" for name in others for service in ASKED_OF_ALL]
    return [*found.values(), *_users()]


def _new(node: NodeSpec) -> Profile:
    managed = node.executable in graph.MANAGED
    return Profile(
        node.name,
        publishes=[*EVERY_NODE_PUBLISHES, *(MANAGED_PUBLISHES if managed else ())],
        subscribes=list(EVERY_NODE_SUBSCRIBES),
        serves=[
            *EVERY_NODE_SERVES,
            *SERVES.get(node.name, ()),
            *(MANAGED_SERVES if managed else ()),
            *_beside_hands(node, CALIBRATES),
        ],
    )


def _users() -> list[Profile]:
    """Who acts on effort, and who lets the machine move: for nodes outside this package."""
    consumer = Profile(
        "consumer",
        list(EVERY_NODE_PUBLISHES),
        [
            *EVERY_NODE_SUBSCRIBES,
            "effort",
            "effort/chunks",
            "effort/info",
            "effort/view",
            "gesture",
        ],
        list(EVERY_NODE_SERVES),
    )
    operator = Profile(
        "operator",
        [*EVERY_NODE_PUBLISHES, "assist/deadman"],
        [*EVERY_NODE_SUBSCRIBES, "/diagnostics", "assist/state", "drive/state"],
        list(EVERY_NODE_SERVES),
        ["exo/enable", "exo/stop", "exo/change_state", "exo/get_state", "gesture/enable"],
    )
    return [consumer, operator]


def _beside_hands(node: NodeSpec, names: Sequence[str]) -> list[str]:
    """Names in the place where a camera publishes its view's hand, or hands."""
    views = [node.parameters["view"]] if node.kind == "camera" else []
    return [f"camera/{view}/{name}" for view in views for name in names]


def _add(allowed: list[str], topics: Sequence[str]) -> None:
    allowed += [topic for topic in topics if topic not in allowed]


def as_xml(options: PipelineOptions) -> str:
    """Write the policy of a pipeline as `ros2 security create_permission` reads it."""
    namespace = options.namespace
    policy = ElementTree.Element("policy", version="0.2.0")
    enclaves = ElementTree.SubElement(policy, "enclaves")
    for profile in profiles(options):
        path = f"/{namespace}/{profile.node}"
        enclave = ElementTree.SubElement(enclaves, "enclave", path=path)
        inner = ElementTree.SubElement(enclave, "profiles")
        element = ElementTree.SubElement(inner, "profile", ns=f"/{namespace}", node=profile.node)
        _allow(element, "services", "reply", profile.serves)
        _allow(element, "services", "request", profile.calls)
        _allow(element, "topics", "publish", profile.publishes)
        _allow(element, "topics", "subscribe", profile.subscribes)
    ElementTree.indent(policy)
    comment = (
        "<!-- What each node may do on the network, and nothing else. Written by\n"
        "     `python -m kpm_ros.operate.security [OPTIONS]`; see docs/distributed.md. -->\n"
    )
    xml = ElementTree.tostring(policy, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{comment}{xml}\n'


def _allow(profile: ElementTree.Element, kind: str, verb: str, names: Sequence[str]) -> None:
    if not names:
        return
    group = ElementTree.SubElement(profile, kind, {verb: "ALLOW"})
    for name in names:
        ElementTree.SubElement(group, kind[:-1]).text = name


def main(words: Sequence[str]) -> None:
    """Print the policy of the pipeline that has these options."""
    parser = argparse.ArgumentParser("python -m kpm_ros.operate.security", description=__doc__)
    add_pipeline_options(parser)
    try:
        options = pipeline_options(parser.parse_args(spell_out(words)))
    except UserError as error:
        parser.error(str(error))
    print(as_xml(options), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
