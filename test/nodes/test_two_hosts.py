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

"""Devices on one host, everything else on another: the real graph over a real network."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from kpm_ros import graph, pipeline_nodes
from kpm_ros.core.flags import Flag
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.replay.bag_reader import BagReader
from support.hosts import A, B, Hosts
from support.stage import namespaces

names = namespaces("hosts")
SECONDS = 4


def run_on_two_hosts(hosts, domain, folder):
    """Simulated devices on A, `kpm demo` on B; give its summary and its bag's effort flags."""
    options = PipelineOptions(namespace=next(names))
    [devices] = [node for node in graph.build(options) if node.name == "simulator"]
    env = {
        "ROS_DOMAIN_ID": str(domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
        # The two hosts share one kernel, and with it a shared memory that real ones do not.
        "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4",
    }
    demo = [sys.executable, "-m", "kpm_ros.cli", "demo", "--seconds", str(SECONDS)]
    demo += ["--out", str(folder / "out"), "source:=topics", "network:=true"]
    demo += [f"namespace:={options.namespace}"]
    with (folder / "a.log").open("w+") as a_log, (folder / "b.log").open("w+") as b_log:
        hosts.start(A, pipeline_nodes.command(devices, options), env, a_log)
        status = hosts.start(B, demo, env, b_log).wait(110)
        for log in (a_log, b_log):
            log.seek(0)
            print(log.read())
    assert status in (0, 1)
    summary = json.loads((folder / "out" / "summary.json").read_text())
    with BagReader(folder / "out" / "bag") as reading:
        efforts = reading.messages([f"/{options.namespace}/effort"])
        flags = np.array([reading.decode(message).flags for message in efforts])
    return summary, flags


def test_devices_feed_the_estimator_over_a_slow_and_lossy_network_whose_losses_are_flagged(
    domain, tmp_path, record_property
):
    """5 ms, 2 ms more or less, and one packet in a hundred is lost."""
    with Hosts(delay_s=0.005, jitter_s=0.002, loss=0.01) as hosts:
        record_property("shaped_by", hosts.shaped_by)
        summary, flags = run_on_two_hosts(hosts, domain, tmp_path)
    assert summary["effort"]["messages"] > SECONDS * 1500
    assert summary["effort"]["invalid_fraction"] < 0.05
    assert summary["latency_ms"]["transport"]["p50"] > 4.5
    held = (flags & Flag.HELD) != 0
    # How many more are held than were lost is a matter of how busy the machine is.
    assert held.any()
    assert not held.all()


def test_hosts_need_root_and_say_so(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="needs root"), Hosts():
        pass
