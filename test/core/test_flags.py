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

from __future__ import annotations

import re
from pathlib import Path

from kpm_ros.core.flags import Flag, describe


def test_flags_are_named_in_words() -> None:
    assert describe(0) == "ok"
    assert describe(Flag.POSE_LOST | Flag.INVALID) == "pose lost, invalid"


def test_the_numbers_are_those_of_the_message() -> None:
    text = (Path(__file__).parents[2] / "msg" / "MuscleEffort.msg").read_text()
    in_message = {
        name: int(value) for name, value in re.findall(r"^uint16 (\w+)=(\d+)", text, re.M)
    }
    assert in_message == {flag.name: flag.value for flag in Flag}
