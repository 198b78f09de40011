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

"""Parameters of the node that shows a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import setting
from kpm_ros.view.viewer import PORT, WEB_PORT


@dataclass(frozen=True)
class ViewSettings:
    """A run in Rerun's viewer, or in a file."""

    FIXED: ClassVar[str] = "the viewer is opened with it"

    topics: list[str] = setting(
        ["effort/chunks", "effort/info"], "topics to show, relative to the namespace"
    )
    save: str = setting("", "a .rrd file to write instead of opening a viewer")
    port: int = setting(
        PORT, "of this machine, at which the viewer listens", least=1024, most=65535
    )
    web_port: int = setting(
        WEB_PORT, "of the page that is offered where there is no screen", least=1024, most=65535
    )
    period_s: float = setting(0.02, "how often messages are taken", least=0.005, most=0.1)
