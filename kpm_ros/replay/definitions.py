"""Message definitions without ROS, as writing and reading bags needs them."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

PACKAGE = "kpm_ros"
PROOF = "MuscleEffort.msg"
"""A folder that holds this file is the one with the package's definitions."""


def definitions_dir() -> Path:
    """Find the package's .msg files: a ROS workspace, an installed wheel or a source checkout."""
    package = Path(__file__).resolve().parent.parent
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    shares = [Path(prefix) / "share" / PACKAGE / "msg" for prefix in prefixes if prefix]
    for candidate in (*shares, package / "msg", package.parent / "msg"):
        if (candidate / PROOF).is_file():
            return candidate
    raise FileNotFoundError(
        "the package's message definitions (.msg files) were not found: build it with colcon and "
        "source install/setup.bash, or run it from its source checkout"
    )


@cache
def known_types(folder: Path | None = None) -> Typestore:
    """Every type that a bag of this package may hold: ROS 2's own and the package's."""
    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for file in sorted((folder or definitions_dir()).glob("*.msg")):
        types.update(get_types_from_msg(file.read_text("utf-8"), f"{PACKAGE}/msg/{file.stem}"))
    store.register(types)
    return store
