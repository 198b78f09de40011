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

"""Where the cameras of a simulated data set in PianoKPM's layout stood, each pianist's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpm_ros.core.camera_model import SIZES, Camera, CameraError, numbers
from kpm_ros.core.foreign_files import ForeignFileError, read_json
from kpm_ros.simulate.release import release_layout as layout

HALF_A_PIXEL = 0.5
"""The file counts pixels from the picture's edge, cameras from the middle of the first one."""


def read_released_cameras(root: Path) -> dict[str, dict[str, Camera]]:
    """Read all pianists' cameras by views; nothing where the data set does not tell."""
    path = root / layout.CAMERAS
    if not path.is_file():
        return {}
    content = read_json(path)
    pianists = content.get("pianists") if isinstance(content, dict) else None
    if not isinstance(pianists, dict) or not all(isinstance(v, dict) for v in pianists.values()):
        raise ForeignFileError(f"{path} must list cameras by views under each of its pianists")
    return {
        name: {view: _camera(told, f"{path}: {name}: {view}") for view, told in views.items()}
        for name, views in pianists.items()
    }


def _camera(told: Any, where: str) -> Camera:
    if not isinstance(told, Mapping):
        raise ForeignFileError(f"{where} is no table of numbers")
    try:
        matrix = numbers(_flat(told.get("matrix")), 9, "matrix", where)
        turn = numbers(_flat(told.get("rotation")), 9, "rotation", where)
        position = numbers(told.get("position"), 3, "position", where)
        lens = [matrix[0], matrix[4], matrix[2] - HALF_A_PIXEL, matrix[5] - HALF_A_PIXEL]
        shift = [
            -sum(t * p for t, p in zip(turn[k : k + 3], position, strict=True)) for k in (0, 3, 6)
        ]
        plain = {name: told.get(name) for name in SIZES}
        plain |= {"lens": lens, "rotation": list(turn), "translation": shift}
        return Camera.from_plain(plain, where)
    except CameraError as error:
        raise ForeignFileError(str(error)) from None


def _flat(rows: Any) -> Any:
    """Put a table's rows behind each other; what is none stays as it is, to be refused."""
    if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        return [value for row in rows for value in row]
    return rows
