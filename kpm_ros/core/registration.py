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

"""Where the cameras of a room stand in the keyboard's frame: a file that `kpm calibrate` writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.cameras import Camera
from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS

VERSION = 1
MOST_CAMERAS = 16
MOST_PIXELS = 1 << 15
LARGEST = 1e6
"""Of a number that says where a camera stands, or what its lens is."""


@dataclass(frozen=True)
class RegisteredCamera:
    """One view's camera, and how well its place is known."""

    camera: Camera
    error_px: float = 0.0
    """Root mean square of what the picture says otherwise."""
    error_mm: float = 0.0
    """The same on the keys."""
    how: str = ""
    """What it was found from, in words."""


@dataclass(frozen=True)
class Registration:
    """The cameras of a room by their views, and the keyboard that they see."""

    cameras: Mapping[str, RegisteredCamera] = field(default_factory=dict)
    first_note: int = FIRST_NOTE
    keys: int = PIANO_KEYS

    def as_plain(self) -> dict[str, Any]:
        """Write it with plain values."""
        cameras = {}
        for view, one in self.cameras.items():
            told = asdict(one)
            camera = {name: list(value) for name, value in told.pop("camera").items()}
            cameras[view] = camera | told
        return {
            "version": VERSION,
            "first_note": self.first_note,
            "keys": self.keys,
            "cameras": cameras,
        }

    @classmethod
    def from_plain(cls, value: Any, source: str) -> Registration:
        """Read what `as_plain` wrote; a ForeignFileError says what is wrong with it."""
        if not isinstance(value, dict) or value.get("version") != VERSION:
            raise ForeignFileError(
                f"{source} is no registration of cameras to a keyboard of version {VERSION}: "
                "`kpm calibrate` writes one"
            )
        first, keys, listed = (value.get(name) for name in ("first_note", "keys", "cameras"))
        if type(first) is not int or type(keys) is not int or not 0 < keys <= 128 - first <= 128:
            raise ForeignFileError(
                f"{source} has {keys!r} keys from note {first!r} on, but MIDI has notes 0 to 127"
            )
        if not isinstance(listed, dict) or len(listed) > MOST_CAMERAS:
            raise ForeignFileError(f"{source} must list at most {MOST_CAMERAS} cameras by views")
        cameras = {str(view): _camera(told, view, source) for view, told in listed.items()}
        return cls(cameras, first, keys)

    @classmethod
    def read(cls, path: Path | str) -> Registration:
        """Read a file that `write` wrote."""
        from kpm_ros.core.foreign_yaml import read_yaml

        return cls.from_plain(read_yaml(path), str(path))

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        import yaml

        text = yaml.safe_dump(self.as_plain(), sort_keys=False, default_flow_style=None)
        write_atomically(path, text.encode())


def _camera(told: Any, view: Any, source: str) -> RegisteredCamera:
    where = f"{source}: the camera {view!r}"
    if not isinstance(told, dict):
        raise ForeignFileError(f"{where} is {told!r}, not a table of numbers")
    sizes = {"image_size": 2, "lens": 4, "distortion": 5, "rotation": 9, "translation": 3}
    names = {*sizes, *(spec.name for spec in fields(RegisteredCamera))} - {"camera"}
    if unknown := set(told) - names:
        raise ForeignFileError(f"{where} has an unknown field {min(map(str, unknown))!r}")
    lists = {name: _numbers(told.get(name), size, name, where) for name, size in sizes.items()}
    width, height = lists.pop("image_size")
    if not all(1 <= side <= MOST_PIXELS and side == int(side) for side in (width, height)):
        raise ForeignFileError(f"{where} has pictures of {width:g} x {height:g} pixels")
    if not min(lists["lens"][:2]) > 0:
        raise ForeignFileError(f"{where} has a focal length that is not above 0")
    turn = np.array(lists["rotation"]).reshape(3, 3)
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) or np.linalg.det(turn) < 0:
        raise ForeignFileError(f"{where} has a rotation that is none")
    camera = Camera((int(width), int(height)), **lists)  # type: ignore[arg-type]
    error_px, error_mm = (
        _numbers([told.get(name, 0.0)], 1, name, where)[0] for name in ("error_px", "error_mm")
    )
    how = told.get("how", "")
    if not isinstance(how, str) or len(how) > 500 or not how.isprintable():
        raise ForeignFileError(f"{where} must say in one line how it was found")
    return RegisteredCamera(camera, error_px, error_mm, how)


def _numbers(value: Any, size: int, name: str, where: str) -> tuple[float, ...]:
    good = isinstance(value, list) and len(value) == size
    if not good or not all(
        type(number) in (int, float) and math.isfinite(number) and abs(number) < LARGEST
        for number in value
    ):
        raise ForeignFileError(f"{where} must have {size} numbers as its {name}")
    return tuple(float(number) for number in value)
