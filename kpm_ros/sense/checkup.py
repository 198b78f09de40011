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

"""Looks for devices, tries each, and says what is wrong with it and how to mend that."""

from __future__ import annotations

import fcntl
import glob
import importlib.util
import os
import stat
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from kpm_ros.sense.camera.camera_device import CameraConfig
from kpm_ros.sense.camera.open_camera import open_camera
from kpm_ros.sense.camera.v4l2 import DEV, SYS, FoundCamera, find_cameras
from kpm_ros.sense.connection import DeviceError
from kpm_ros.sense.emg.emg_brainflow import SYNTHETIC_BOARD, BrainFlowConfig, BrainFlowEmg
from kpm_ros.sense.emg.emg_device import EmgDevice
from kpm_ros.sense.emg.emg_lsl import LslConfig, LslEmg, find_streams
from kpm_ros.sense.midi.midi_port import SEQUENCER, MidiPort, PortConfig, port_names
from kpm_ros.sense.trackers import TRACKERS
from kpm_ros.sense.tracking.mediapipe_package import load_mediapipe, packaged_models
from kpm_ros.sense.tracking.tracker import TrackerConfig, TrackerUnavailableError

State = Literal["ok", "none", "missing", "broken"]

INSTALL = "pip install 'kpm_ros[devices]'"
FRAME_WITHIN_S = 5.0
SAMPLE_WITHIN_S = 3.0
CAMERAS, TRACKING, MIDI, LSL, BRAINFLOW, SERIAL = (
    "cameras",
    "trackers",
    "MIDI ports",
    "LSL streams",
    "BrainFlow",
    "serial ports",
)

_QUERY = 0x80685600
"""V4L2's VIDIOC_QUERYCAP; its answer holds all capabilities and those of this one device."""
_ANSWER_BYTES, _CAPABILITIES_AT = 104, 84
_HAS_DEVICE_CAPABILITIES, _CAPTURES = 0x80000000, 0x00001001


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for: whether it is there and works, in words."""

    area: str
    name: str
    state: State
    """ok; none = no device there; missing = something that is not installed; broken = it is there
    and does not work."""
    said: str
    mend: str = ""
    """What to do, with the command."""

    def as_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


def check_no_camera(dev: Path = DEV, sys_class: Path = SYS) -> Iterator[Finding]:
    """Say so where there is no camera to be tried."""
    if find_cameras(dev, sys_class):
        return
    mend = ""
    if not sys_class.is_dir():
        mend = "sudo modprobe uvcvideo; a container also needs /dev/video0 passed in"
    yield Finding(CAMERAS, "V4L2", "none", f"none found (no {dev}/video*)", mend)


def check_camera(camera: FoundCamera) -> Iterator[Finding]:
    """Open a camera and wait for a picture."""
    path = camera.path
    name = f"{path} ({camera.by_id or camera.name or 'unnamed'})"
    if not os.access(path, os.R_OK | os.W_OK):
        yield Finding(CAMERAS, name, "broken", "no permission to use it", join_group(path, "video"))
        return
    if not gives_pictures(path):
        yield Finding(CAMERAS, name, "none", "gives no pictures (a webcam's second device)")
        return
    if importlib.util.find_spec("cv2") is None:
        yield Finding(CAMERAS, name, "missing", "OpenCV is not installed to open it", INSTALL)
        return
    opened = open_camera(CameraConfig(source=str(path)))
    try:
        opened.connect(wait=True)
        frame = opened.next_frame(FRAME_WITHIN_S)
    except DeviceError as error:
        yield Finding(CAMERAS, name, "broken", str(error), f"see who uses it: fuser -v {path}")
        return
    finally:
        opened.disconnect()
    if frame is None:
        said = f"opens, but gave no picture within {FRAME_WITHIN_S:g} s"
        yield Finding(CAMERAS, name, "broken", said, "unplug it and plug it in again")
        return
    height, width = frame.image.shape[:2]
    said = f"gives pictures of {width}x{height}, {opened.given.fps:g} a second"
    yield Finding(CAMERAS, name, "ok", f"{said}, stamped by {opened.source.clock}")


def check_trackers() -> Iterator[Finding]:
    """Let the tracker of each skeleton look at a grey picture."""
    for skeleton, kind in TRACKERS.items():
        name = f"{kind.what} ({skeleton})"
        if importlib.util.find_spec("mediapipe") is None:
            yield Finding(TRACKING, name, "missing", "MediaPipe is not installed", INSTALL)
            continue
        try:
            models = packaged_models(load_mediapipe(kind.what), kind.models)
            tracker = kind.make(TrackerConfig(), kind.rules())
            tracker.track(np.full((48, 64, 3), 127, np.uint8), 0)
            tracker.close()
        except TrackerUnavailableError as error:
            yield Finding(TRACKING, name, "broken", str(error), INSTALL)
            continue
        yield Finding(TRACKING, name, "ok", f"MediaPipe's models: {', '.join(models)}")


def gives_pictures(path: Path) -> bool:
    """Whether a V4L2 device captures; one that cannot be asked is taken to."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        answer = fcntl.ioctl(handle, _QUERY, bytes(_ANSWER_BYTES))
    except OSError:
        return True
    finally:
        os.close(handle)
    of_all, of_this = struct.unpack_from("=II", answer, _CAPABILITIES_AT)
    return bool((of_this if of_all & _HAS_DEVICE_CAPABILITIES else of_all) & _CAPTURES)


def check_midi(sequencer: Path = SEQUENCER) -> Iterator[Finding]:
    """Open every MIDI port."""
    if importlib.util.find_spec("rtmidi") is None:
        yield Finding(MIDI, "python-rtmidi", "missing", "the library is not installed", INSTALL)
        return
    if sys.platform == "linux" and not sequencer.exists():
        said = f"none found: the kernel's ALSA sequencer is not loaded ({sequencer} is missing)"
        mend = "sudo modprobe snd-seq; a container also needs /dev/snd passed in"
        yield Finding(MIDI, "ALSA sequencer", "none", said, mend)
        return
    if sys.platform == "linux" and not os.access(sequencer, os.R_OK | os.W_OK):
        mend = join_group(sequencer, "audio")
        yield Finding(MIDI, str(sequencer), "broken", "no permission to use it", mend)
        return
    try:
        names = port_names()
    except DeviceError as error:
        yield Finding(MIDI, "python-rtmidi", "broken", str(error), f"install it anew: {INSTALL}")
        return
    if not names:
        mend = "plug the piano in, switch it on, and see whether `aconnect -l` lists it"
        yield Finding(MIDI, "ports", "none", "none found", mend)
    for name in names:
        port = MidiPort(PortConfig(pattern=glob.escape(name)))
        try:
            port.connect()
        except DeviceError as error:
            mend = "close the program that holds it, or unplug the piano and plug it in again"
            yield Finding(MIDI, name, "broken", str(error), mend)
        else:
            yield Finding(MIDI, name, "ok", "opens")
        finally:
            port.disconnect()


def check_lsl(wait_s: float = 1.0) -> Iterator[Finding]:
    """Read a sample of every stream of numbers."""
    if importlib.util.find_spec("pylsl") is None:
        yield Finding(LSL, "pylsl", "missing", "the library is not installed", INSTALL)
        return
    try:
        streams = find_streams(wait_s)
    except Exception as error:  # whatever a library says that does not load
        yield Finding(LSL, "pylsl", "broken", _line(error), f"install it anew: {INSTALL}")
        return
    if not streams:
        mend = "start the amplifier's LSL sender; multicast and UDP port 16571 must be open"
        yield Finding(LSL, "network", "none", "none found", mend)
    for stream in streams:
        if not stream.is_numeric:
            yield Finding(LSL, stream.name, "ok", f"{stream}: text, which is not read")
            continue
        rate_hz = 0.0 if stream.rate_hz else 1.0
        device = LslEmg(LslConfig(name=stream.name, rate_hz=rate_hz))
        yield _sample(LSL, stream.name, str(stream), device, "is its sender streaming")


def check_brainflow() -> Iterator[Finding]:
    """Read a sample of BrainFlow's synthetic board, which tells whether the library works."""
    if importlib.util.find_spec("brainflow") is None:
        yield Finding(BRAINFLOW, "brainflow", "missing", "the library is not installed", INSTALL)
        return
    device = BrainFlowEmg(BrainFlowConfig(board_id=SYNTHETIC_BOARD))
    mend = f"install it anew, and what it needs: {INSTALL}"
    yield _sample(BRAINFLOW, "synthetic board", "the library", device, mend)


def check_serial_ports(dev: Path = DEV) -> Iterator[Finding]:
    """See whether the serial ports, at which amplifiers' dongles are, may be used."""
    ports = sorted([*dev.glob("ttyUSB*"), *dev.glob("ttyACM*")])
    if not ports:
        yield Finding(SERIAL, "amplifiers' dongles", "none", f"none found (no {dev}/ttyUSB*)")
    for port in ports:
        if os.access(port, os.R_OK | os.W_OK):
            yield Finding(SERIAL, str(port), "ok", "may be used")
        else:
            mend = join_group(port, "dialout")
            yield Finding(SERIAL, str(port), "broken", "no permission to use it", mend)


def join_group(path: Path, usual: str) -> str:
    """Say how to get at a device: by the group that it belongs to."""
    about = path.stat()
    group = usual
    if stat.S_IMODE(about.st_mode) & stat.S_IRGRP and about.st_gid:
        import grp

        try:
            group = grp.getgrgid(about.st_gid).gr_name
        except KeyError:
            group = str(about.st_gid)
    return f"sudo usermod -aG {group} $USER, then log in again"


def _sample(area: str, name: str, what: str, device: EmgDevice, mend: str) -> Finding:
    """Connect an amplifier and wait for samples."""
    try:
        form = device.connect()
        until = time.monotonic() + SAMPLE_WITHIN_S
        block = None
        while block is None and time.monotonic() < until:
            time.sleep(0.01)
            block = device.read(time.time_ns())
    except DeviceError as error:
        return Finding(area, name, "broken", str(error), mend)
    finally:
        device.disconnect()
    if block is None:
        said = f"{what} opens, but sent nothing within {SAMPLE_WITHIN_S:g} s"
        return Finding(area, name, "broken", said, mend)
    return Finding(area, name, "ok", f"{what} sends {len(form.channels)} channels")


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
