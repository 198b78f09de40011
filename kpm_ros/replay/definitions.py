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

"""Message definitions without ROS, as writing and reading bags needs them."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

PACKAGE = "kpm_ros"
SEPARATOR = "=" * 80 + "\nMSG: "
"""What stands between two types of a definition."""
PROOF = "MuscleEffort.msg"
"""A folder that holds this file is the one with the package's definitions."""


def definitions_dir() -> Path:
    """Find the package's .msg files: a ROS workspace, an installed wheel or a source checkout."""
    package = Path(__file__).resolve().parent.parent
    for candidate in (*_shares(PACKAGE), package / "msg", package.parent / "msg"):
        if (candidate / PROOF).is_file():
            return candidate
    raise FileNotFoundError(
        "the package's message definitions (.msg files) were not found: build it with colcon and "
        "source install/setup.bash, or run it from its source checkout"
    )


def _shares(package: str) -> list[Path]:
    """Folders in which a package's definitions may be installed."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    return [Path(prefix) / "share" / package / "msg" for prefix in prefixes if prefix]


@cache
def definition(kind: str) -> str:
    """Write out a type and all that it is made of, with the comments of the .msg files.

    A type whose file is not found, or is of another version of ROS, is written without comments.
    """
    whole, _ = known_types().generate_msgdef(kind, ros_version=2)
    first, *others = whole.split(SEPARATOR)
    parts = [_commented(kind) or first]
    for part in others:
        name, _, bare = part.partition("\n")
        package, _, short = name.rpartition("/")
        parts.append(f"{name}\n{_commented(f'{package}/msg/{short}') or bare}")
    return SEPARATOR.join(part.rstrip("\n") + "\n" for part in parts)


def _commented(kind: str) -> str:
    """Text of a type's own .msg file, if it says what is known of the type."""
    package, _, short = kind.split("/")
    folders = [definitions_dir()] if package == PACKAGE else _shares(package)
    for folder in folders:
        try:
            text = (folder / f"{short}.msg").read_text("utf-8")
            if get_types_from_msg(text, kind)[kind] == known_types().fielddefs[kind]:
                return text
        except (OSError, UnicodeDecodeError, TypesysError, KeyError):
            continue
    return ""


@cache
def known_types(folder: Path | None = None) -> Typestore:
    """Every type that a bag of this package may hold: ROS 2's own and the package's."""
    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for file in sorted((folder or definitions_dir()).glob("*.msg")):
        types.update(get_types_from_msg(file.read_text("utf-8"), f"{PACKAGE}/msg/{file.stem}"))
    store.register(types)
    return store
