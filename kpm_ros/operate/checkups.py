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

"""Everything that `kpm doctor` tries, each in a process of its own: a driver may hang or crash."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kpm_ros import __version__
from kpm_ros.core.resources import config_dir
from kpm_ros.sense import checkup
from kpm_ros.sense.camera.v4l2 import find_cameras
from kpm_ros.sense.checkup import Finding

PYTHONS = ((3, 10), (3, 13))
CORE = ("numpy", "scipy", "numba", "safetensors", "yaml", "mido", "rosbags", "psutil", "rich")
EXTRAS = {"mediapipe": "devices", "torch": "train", "rerun": "view"}
"""Modules of the optional parts, with the extra that brings them."""
AT_ONCE = 3
_MARK = "finding "
"""Begins a line that is ours: libraries print whatever they like."""


def run_all(patience_s: float) -> list[Finding]:
    """Try everything, a few things at a time, and give what was found in a fixed order."""
    tries = [(name, "") for name in CHECKS if name != "camera"]
    cameras = [("camera", str(camera.path)) for camera in find_cameras()]
    place = [name for name, _ in tries].index("no_camera")
    tries[place:place] = cameras
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda each: run_one(each[0], each[1], patience_s), tries)
    return [finding for findings in found for finding in findings]


def run_one(check: str, device: str, patience_s: float) -> list[Finding]:
    """Try one thing in a process that is ended when it takes too long."""
    words = [sys.executable, "-m", "kpm_ros.operate.checkups", check, device]
    area, name = AREAS[check], device or check.replace("_", " ")
    mend = "try it alone with --patience 60; if it hangs again, unplug the device and plug it in"
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=patience_s, check=False
        )
        output, said = done.stdout, _end(done)
    except subprocess.TimeoutExpired as error:
        # Bytes whatever was asked for: what had come when the time was up.
        partial = error.stdout or b""
        output = partial if isinstance(partial, str) else partial.decode("utf-8", "replace")
        said = f"did not answer within {patience_s:g} s"
    findings = [
        Finding(**json.loads(line.removeprefix(_MARK)))
        for line in output.splitlines()
        if line.startswith(_MARK) and line.endswith("}")
    ]
    return findings + ([Finding(area, name, "broken", said, mend)] if said else [])


def _end(done: subprocess.CompletedProcess[str]) -> str:
    """How a process ended, when it did not end well."""
    if done.returncode == 0:
        return ""
    if done.returncode < 0:
        return f"its library crashed (signal {-done.returncode})"
    return f"its library failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}"


def check_python() -> Iterator[Finding]:
    """See that Python and the packages fit."""
    area, version = AREAS["python"], platform.python_version()
    oldest, newest = (".".join(map(str, each)) for each in PYTHONS)
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        yield Finding(area, f"Python {version}", "ok", sys.executable)
    else:
        said = f"{sys.executable} is none of {oldest} to {newest}"
        yield Finding(area, f"Python {version}", "broken", said, "see docs/install.md")
    lacking = [name for name in CORE if importlib.util.find_spec(name) is None]
    if lacking:
        mend = "pip install kpm_ros, or `make setup` in the project's folder"
        yield Finding(area, "packages", "broken", f"not installed: {', '.join(lacking)}", mend)
    else:
        yield Finding(area, f"kpm_ros {__version__}", "ok", f"with its files in {_config()}")
    for name, extra in EXTRAS.items():
        if importlib.util.find_spec(name) is None:
            mend = f"pip install 'kpm_ros[{extra}]'"
            yield Finding(area, name, "missing", f"not installed: needed for {extra}", mend)


def _config() -> str:
    try:
        return str(config_dir())
    except FileNotFoundError as error:
        return f"nowhere: {error}"


def check_ros() -> Iterator[Finding]:
    """See that ROS 2 and the package's messages load, and that a node can be made."""
    area = AREAS["ros"]
    if importlib.util.find_spec("rclpy") is None:
        mend = "`make setup` in the project's folder, or source /opt/ros/jazzy/setup.bash"
        yield Finding(area, "ROS 2", "missing", "not found: `kpm up` and `kpm demo` need it", mend)
        return
    if importlib.util.find_spec("kpm_ros.msg") is None:
        mend = "`make setup` in the project's folder, or colcon build; source install/setup.bash"
        yield Finding(area, "messages", "broken", "the package's messages are not built", mend)
        return
    import rclpy

    from kpm_ros.msg import MuscleEffort

    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("doctor", context=context)
    node.create_publisher(MuscleEffort, "doctor", 1)
    node.destroy_node()
    context.try_shutdown()
    distribution = os.environ.get("ROS_DISTRO", "from packages")
    yield Finding(area, f"ROS 2 ({distribution})", "ok", "makes nodes and knows the messages")


def check_gpu() -> Iterator[Finding]:
    """See what the NVIDIA driver says; training uses it, the live pipeline does not."""
    area = AREAS["gpu"]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        yield Finding(area, "NVIDIA", "none", "none found: only training would use one")
        return
    asked = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    if asked.returncode:
        said = " ".join((asked.stdout + asked.stderr).split()) or "nvidia-smi fails"
        yield Finding(area, "NVIDIA", "broken", said, "install the driver anew, then restart")
        return
    usable = "training will not use it: torch is not installed"
    mend = "pip install 'kpm_ros[train]'"
    if importlib.util.find_spec("torch") is not None:
        import torch

        usable = "torch can use it" if torch.cuda.is_available() else "torch is built without it"
        mend = "" if torch.cuda.is_available() else "install torch's build for CUDA"
    for line in asked.stdout.splitlines():
        yield Finding(area, line.partition(" (UUID")[0].strip(), "ok", usable, mend)


def check_one_camera(path: str) -> Iterator[Finding]:
    """Try one camera."""
    for camera in find_cameras():
        if camera.path == Path(path):
            yield from checkup.check_camera(camera)


CHECKS: dict[str, Callable[..., Iterable[Finding]]] = {
    "python": check_python,
    "ros": check_ros,
    "camera": check_one_camera,
    "no_camera": checkup.check_no_camera,
    "trackers": checkup.check_trackers,
    "midi": checkup.check_midi,
    "lsl": checkup.check_lsl,
    "brainflow": checkup.check_brainflow,
    "serial": checkup.check_serial_ports,
    "gpu": check_gpu,
}
AREAS = {
    "python": "Python",
    "ros": "ROS 2",
    "camera": checkup.CAMERAS,
    "no_camera": checkup.CAMERAS,
    "trackers": checkup.TRACKING,
    "midi": checkup.MIDI,
    "lsl": checkup.LSL,
    "brainflow": checkup.BRAINFLOW,
    "serial": checkup.SERIAL,
    "gpu": "GPU",
}


def main(check: str, device: str = "") -> None:
    """Try one thing and print each finding as it is made."""
    for finding in CHECKS[check](*([device] if device else [])):
        print(_MARK + json.dumps(finding.as_dict()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
