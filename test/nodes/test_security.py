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

"""What real nodes do on the network is what the security policy allows them."""

from __future__ import annotations

import importlib.util

import pytest

from kpm_ros.operate import security
from kpm_ros.pipeline_options import PipelineOptions
from support.graph import RunningGraph
from support.stage import namespaces
from support.waiting import wait_for

names = namespaces("policy")
NODES = ("simulator", "synchronizer", "inference", "exo", "gesture", "recorder")


@pytest.fixture(scope="module")
def running(domain, tmp_path_factory):
    bag = tmp_path_factory.mktemp("policy") / "bag"
    # A synchronizer that knows where cameras stand says more than others.
    options = [f"record:={bag}", "body:=plain", "model:=touchnet-sim-rooms"]
    with RunningGraph(next(names), options) as graph:
        yield graph


def plain(entries, namespace, node):
    """Names as the policy writes them: relative to the node, else to the namespace."""
    found = set()
    for name, _ in entries:
        own = name.removeprefix(f"/{namespace}/{node}/")
        relative = name.removeprefix(f"/{namespace}/")
        found.add(f"~/{own}" if own != name else relative)
    return found


@pytest.mark.parametrize("name", NODES)
def test_a_node_does_all_that_it_may_and_nothing_else(running, node, name):
    [profile] = [one for one in security.profiles(PipelineOptions()) if one.node == name]
    place = name, f"/{running.namespace}"

    def seen():
        if name not in {n for n, ns in node.get_node_names_and_namespaces() if ns == place[1]}:
            return None
        asked = (
            node.get_publisher_names_and_types_by_node(*place),
            node.get_subscriber_names_and_types_by_node(*place),
            node.get_service_names_and_types_by_node(*place),
        )
        publishes, subscribes, serves = (
            plain(entries, running.namespace, name) for entries in asked
        )
        # Who uses simulated time listens to a clock besides.
        listened = subscribes | {"/clock"}
        return (publishes, listened, serves)

    expected = tuple(map(set, (profile.publishes, profile.subscribes, profile.serves)))
    if importlib.util.find_spec("tf2_msgs") is None:
        expected[0].discard("/tf_static")
    wait_for(lambda: seen() is not None, f"the node {name}", 40)
    if name == "recorder":
        # It may record the simulator and real devices, of which it sees one at a time.
        wait_for(lambda: all(map(set.issubset, seen(), expected)), f"{name}: {seen()}", 20)
    else:
        wait_for(lambda: seen() == expected, f"{name} to do {expected}, not {seen()}", 20)
