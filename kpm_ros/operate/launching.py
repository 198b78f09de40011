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

"""What the launch files decide, without ROS's launch library, so that it can be tested without."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kpm_ros.core.die_with_parent import wrapping
from kpm_ros.core.settings import make_settings
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.operate.errors import UserError
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.playback import open_senses

STOPS_WITHIN_S = 5.0
"""How long a node has to stop in good order once the launch that started it has died."""

CLOCK_HZ = 40
"""How often `ros2 bag play` tells the time."""


@dataclass(frozen=True)
class PlayableBag:
    """A bag that can be played, as the user asked for it."""

    settings: PlayerSettings
    senses: Mapping[str, str]
    """Topic of the bag for each of the pipeline's own topics: what devices said, no more."""

    @property
    def parameters(self) -> dict[str, object]:
        """Parameters of this package's player."""
        settings = self.settings
        return {
            "bag": settings.bag,
            "rate": settings.rate,
            "loop": settings.loop,
            "start_s": settings.start_s,
        }

    def ros2_command(self, namespace: str) -> list[str]:
        """Command line of ROS's own player that sends what this package's would."""
        settings = self.settings
        words = ["ros2", "bag", "play", settings.bag, "--clock", str(CLOCK_HZ)]
        words += ["--rate", str(settings.rate), "--start-offset", str(settings.start_s)]
        words += ["--loop"] * settings.loop
        words += ["--topics", *self.senses.values()]
        renamed = [
            f"{topic}:=/{namespace}/{name}"
            for name, topic in self.senses.items()
            if topic != f"/{namespace}/{name}"
        ]
        return [*words, "--remap", *renamed] if renamed else words


def check_replay(given: Mapping[str, str]) -> PlayableBag:
    """Type and check what the user chose, and open the bag, before anything is started."""
    values: dict[str, object] = {"bag": given["bag"], "loop": given["loop"] == "true"}
    for name in ("rate", "start_s"):
        try:
            values[name] = float(given[name])
        except ValueError:
            raise UserError(f"{name} is {given[name]!r}, but must be a number") from None
    settings = make_settings("player", PlayerSettings, values)
    if not settings.bag:
        raise UserError("bag is empty, but must name a bag's folder or file")
    try:
        bag, senses = open_senses(Path(settings.bag).expanduser(), settings.start_s)
    except BagError as error:
        raise UserError(str(error)) from None
    bag.close()
    return PlayableBag(settings, senses)


def prefix(executable: str, asked: str = "", only: str = "") -> str:
    """Words in front of a command that a launch starts, so that it ends when the launch does.

    `asked` and `only` are what the user gave as `--launch-prefix` and `--launch-prefix-filter`.
    """
    words = wrapping()
    words += ["--patience", str(STOPS_WITHIN_S)]
    wanted = asked if re.match(only, executable) else ""
    return f"{shlex.join(words)} {wanted}".strip()
