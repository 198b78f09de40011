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

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.camera_model import SIZES, Camera, CameraError, numbers
from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS

VERSION = 1
MOST_CAMERAS = 16


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

    @property
    def places(self) -> dict[str, Camera]:
        """The cameras alone, by their views."""
        return {view: one.camera for view, one in self.cameras.items()}

    def as_plain(self) -> dict[str, Any]:
        """Write it with plain values."""
        cameras = {}
        for view, one in self.cameras.items():
            told = asdict(one)
            del told["camera"]
            cameras[view] = one.camera.as_plain() | told
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
    names = {*SIZES, *(spec.name for spec in fields(RegisteredCamera))} - {"camera"}
    if unknown := set(told) - names:
        raise ForeignFileError(f"{where} has an unknown field {min(map(str, unknown))!r}")
    try:
        camera = Camera.from_plain(told, where)
        error_px, error_mm = (
            numbers([told.get(name, 0.0)], 1, name, where)[0] for name in ("error_px", "error_mm")
        )
    except CameraError as error:
        raise ForeignFileError(str(error)) from None
    how = told.get("how", "")
    if not isinstance(how, str) or len(how) > 500 or not how.isprintable():
        raise ForeignFileError(f"{where} must say in one line how it was found")
    return RegisteredCamera(camera, error_px, error_mm, how)
