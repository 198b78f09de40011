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

"""A camera's calibration, in the YAML file that ROS's calibrator writes and other drivers read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import reading
from kpm_ros.core.foreign_yaml import read_yaml

SIZES = {"camera_matrix": 9, "rectification_matrix": 9, "projection_matrix": 12}
COEFFICIENTS = {"plumb_bob": 5, "rational_polynomial": 8, "equidistant": 4}
"""Distortion models by the number of their coefficients."""
ROTATION_ERROR = 1e-3
"""A rectification matrix may be off a rotation by this: files round their numbers."""


class CalibrationError(ValueError):
    """A calibration file that cannot be used, said in a sentence."""


@dataclass(frozen=True)
class Calibration:
    """Intrinsics of one camera, named as in sensor_msgs/CameraInfo."""

    width: int
    height: int
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    r: tuple[float, ...]
    p: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what no camera can have."""
        if self.width <= 0 or self.height <= 0:
            raise CalibrationError(
                f"the picture is {self.width}x{self.height}, but both must be above 0"
            )
        _require_known(self.distortion_model)
        wanted = {"d": COEFFICIENTS[self.distortion_model], "k": 9, "r": 9, "p": 12}
        for name, count in wanted.items():
            values = getattr(self, name)
            if len(values) != count or not np.isfinite(values).all():
                raise CalibrationError(f"{name} must hold {count} numbers, not {list(values)}")
        for name, columns in (("k", 3), ("p", 4)):
            matrix = np.reshape(getattr(self, name), (3, columns))
            below = np.eye(columns)[2]
            if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not (matrix[2] == below).all():
                raise CalibrationError(
                    f"{name} is {matrix.tolist()}, but its focal lengths must be above 0 and its "
                    f"last row {below.tolist()}"
                )
        rotation = np.reshape(self.r, (3, 3))
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > ROTATION_ERROR:
            raise CalibrationError(f"r is {rotation.tolist()}, but must be a rotation")


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration file; CalibrationError says what is wrong with it."""
    file = local_path(path)
    with reading(file, "a calibration", CalibrationError):
        content = read_yaml(file)
    if not isinstance(content, dict):
        raise CalibrationError(f"{file} is no calibration: it holds no named values")
    model = str(content.get("distortion_model", "plumb_bob"))
    try:
        _require_known(model)
        matrices = {name: _numbers(content, name, size) for name, size in SIZES.items()}
        return Calibration(
            _size(content, "image_width"),
            _size(content, "image_height"),
            model,
            _numbers(content, "distortion_coefficients", COEFFICIENTS[model]),
            matrices["camera_matrix"],
            matrices["rectification_matrix"],
            matrices["projection_matrix"],
        )
    except CalibrationError as error:
        raise CalibrationError(f"{file}: {error}") from None


def write_calibration(path: str | Path, calibration: Calibration, camera: str) -> None:
    """Write a calibration file as a whole or not at all; OSError when that cannot be done."""

    def matrix(values: tuple[float, ...], rows: int) -> dict[str, Any]:
        return {"rows": rows, "cols": len(values) // rows, "data": list(values)}

    content = {
        "image_width": calibration.width,
        "image_height": calibration.height,
        "camera_name": camera,
        "camera_matrix": matrix(calibration.k, 3),
        "distortion_model": calibration.distortion_model,
        "distortion_coefficients": matrix(calibration.d, 1),
        "rectification_matrix": matrix(calibration.r, 3),
        "projection_matrix": matrix(calibration.p, 3),
    }
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None)
    write_atomically(local_path(path), text.encode(), durable=True)


def local_path(path: str | Path) -> Path:
    """Find the file that a path, or a file:// address as ROS's drivers take it, names."""
    return Path(str(path).removeprefix("file://")).expanduser()


def _size(content: dict[str, Any], name: str) -> int:
    value = content.get(name)
    if type(value) is not int or value <= 0:
        raise CalibrationError(f"{name} is {value!r}, but must be a whole, positive number")
    return value


def _require_known(model: str) -> None:
    if model not in COEFFICIENTS:
        raise CalibrationError(
            f"distortion_model is {model!r}, but must be one of: {', '.join(COEFFICIENTS)}"
        )


def _numbers(content: dict[str, Any], name: str, count: int) -> tuple[float, ...]:
    entry = content.get(name)
    data = entry.get("data") if isinstance(entry, dict) else None
    try:
        values = np.array(data, np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.zeros(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise CalibrationError(f"{name} must hold {count} numbers under `data`")
    return tuple(values.tolist())
