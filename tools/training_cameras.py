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

"""Write into models' cards where their training's cameras stood.

tools/training_cameras.py REGISTRATION MODEL...
"""

from __future__ import annotations

import sys
from pathlib import Path

from kpm_ros.core.registration import Registration
from kpm_ros.models.training_cameras import with_cameras
from kpm_ros.models.weight_files import read_card, save_card


def main() -> None:
    """Rewrite each file with the cameras of its views."""
    cameras = Registration.read(sys.argv[1]).places
    for path in map(Path, sys.argv[2:]):
        save_card(path, with_cameras(read_card(path), cameras))
        print(f"{path}: the card says where the cameras of its pictures stood")


if __name__ == "__main__":
    main()
