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

"""How one parameter of a node is written down."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


def setting(
    default: Any,
    description: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    live: bool = False,
) -> Any:
    """One parameter: its default, what it is for, what is allowed, and whether it may change.

    One that may not change while the node runs is so for the reason that its class gives (`FIXED`).
    """
    metadata = {
        "description": description,
        "least": least,
        "most": most,
        "choices": choices,
        "live": live,
    }
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def why_fixed(settings: type, name: str) -> str:
    """Why a parameter cannot change while its node runs; empty if it can."""
    if settings.__dataclass_fields__[name].metadata["live"]:  # type: ignore[attr-defined]
        return ""
    declared = next(kind for kind in settings.__mro__ if name in inspect.get_annotations(kind))
    return str(declared.FIXED)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ManagedSettings:
    """What every node has that ROS's lifecycle tools manage."""

    FIXED: ClassVar[str] = "it is looked at only at the start"

    autostart: bool = setting(
        True, "whether the node configures and activates itself; else `ros2 lifecycle set` does"
    )
