"""A camera's calibration, read from the YAML file that ROS's calibrator writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

SIZES = {"camera_matrix": 9, "rectification_matrix": 9, "projection_matrix": 12}
COEFFICIENTS = {"plumb_bob": 5, "rational_polynomial": 8, "equidistant": 4}
"""Distortion models by the number of their coefficients."""


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


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration file; CalibrationError says what is wrong with it."""
    file = Path(path).expanduser()
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise CalibrationError(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CalibrationError(f"{file} is no YAML file") from None
    if not isinstance(content, dict):
        raise CalibrationError(f"{file} is no calibration: it holds no named values")
    matrices = {name: _numbers(file, content, name, size) for name, size in SIZES.items()}
    model = content.get("distortion_model", "plumb_bob")
    if model not in COEFFICIENTS:
        raise CalibrationError(
            f"{file}: distortion_model is {model!r}, but must be one of: {', '.join(COEFFICIENTS)}"
        )
    return Calibration(
        _size(file, content, "image_width"),
        _size(file, content, "image_height"),
        model,
        _numbers(file, content, "distortion_coefficients", COEFFICIENTS[model]),
        matrices["camera_matrix"],
        matrices["rectification_matrix"],
        matrices["projection_matrix"],
    )


def _size(file: Path, content: dict[str, Any], name: str) -> int:
    value = content.get(name)
    if type(value) is not int or value <= 0:
        raise CalibrationError(f"{file}: {name} is {value!r}, but must be a whole, positive number")
    return value


def _numbers(file: Path, content: dict[str, Any], name: str, count: int) -> tuple[float, ...]:
    entry = content.get(name)
    data = entry.get("data") if isinstance(entry, dict) else None
    try:
        values = np.array(data, np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise CalibrationError(f"{file}: {name} must hold {count} numbers under `data`")
    return tuple(values.tolist())
