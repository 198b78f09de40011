#!/usr/bin/env python3
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

"""Publish a sample of effort and read it with kpm_ros.client, where heavy packages do not exist."""

import importlib.abc
import sys
import time

HEAVY = {"cv2", "lightning", "mediapipe", "mujoco", "numba", "rosbags", "scipy", "torch"}


class Absent(importlib.abc.MetaPathFinder):
    """Makes heavy packages absent."""

    def find_spec(self, name, path, target=None):
        """Refuse them."""
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"{name} is not to be had here")


sys.meta_path.insert(0, Absent())

import rclpy  # noqa: E402
from kpm_ros.msg import EffortInfo, MuscleEffort  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402

from kpm_ros.client import EffortReader  # noqa: E402
from kpm_ros.estimate.effort_info import digest_of  # noqa: E402


def main():
    """Say what was read; wait for it no longer than a minute."""
    rclpy.init()
    node = rclpy.create_node("consumer")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    infos = node.create_publisher(EffortInfo, "effort/info", latched)
    samples = node.create_publisher(MuscleEffort, "effort", 10)
    reader = EffortReader(node)
    info = EffortInfo(stream=1, muscles=["ADM", "PB"], rate_hz=2000.0)
    info.digest = digest_of(info)
    infos.publish(info)
    sample = MuscleEffort(effort=[0.25, 0.5], info_digest=info.digest)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        sample.index += 1
        sample.header.stamp = node.get_clock().now().to_msg()
        samples.publish(sample)
        batch = reader.take()
        if len(batch):
            print(f"{reader.muscles} {batch.effort[-1].tolist()}")
            return 0
        time.sleep(0.01)  # as often as it sends, until the two have found each other
    return 1


if __name__ == "__main__":
    sys.exit(main())
