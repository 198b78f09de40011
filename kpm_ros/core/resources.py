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

"""Where the files that come with the package are, parameters and weights, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_MODEL = "touchnet-sim"
"""The shipped model that runs where none is named."""
DEFAULT_GESTURES = "default"
"""The name of the gesture model that is shipped, of simulated hands."""


def config_dir() -> Path:
    """Find `config/` in a ROS workspace, an installed wheel or a source checkout, in this order."""
    here = Path(__file__).resolve().parents[1]
    shares = [
        Path(prefix) / "share" / "kpm_ros" / "config"
        for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        if prefix
    ]
    for candidate in (*shares, here / "config", here.parent / "config"):
        if (candidate / "pipeline.yaml").is_file():
            return candidate
    raise FileNotFoundError(
        "the package's config folder was not found: build it with colcon and source "
        "install/setup.bash, or install it with pip"
    )


def user_cache() -> Path:
    """Where this package may keep for the user what it can make anew."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "kpm_ros"


def find_model(name: str) -> Path:
    """Turn a model's name ("touchnet-sim") or path into the path of its weights file."""
    path = Path(name).expanduser()
    if path.suffix == ".safetensors" or path.parent != Path():
        if not path.is_file():
            raise FileNotFoundError(f"no weights file at {path}")
        return path
    shipped = config_dir() / "models" / f"{name}.safetensors"
    if not shipped.is_file():
        known = sorted(p.stem for p in shipped.parent.glob("*.safetensors"))
        raise FileNotFoundError(
            f"no model named {name!r}: the shipped ones are {', '.join(known) or 'none'}; "
            "or give the path of a .safetensors file"
        )
    return shipped


def find_gesture_model(name: str) -> Path:
    """Turn what names a gesture model, the shipped one or a file, into its path."""
    if name == DEFAULT_GESTURES:
        return config_dir() / "gestures" / "shapes-sim.safetensors"
    return Path(name).expanduser().absolute()
