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

"""Write into a model's card which simulated rooms it was trained on: tools/familiar.py MODEL..."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from kpm_ros.models.weight_files import read_card, save_card
from kpm_ros.simulate.familiar_rooms import familiar_rooms


def main() -> None:
    """Rewrite each file with the range of rooms that training draws from."""
    for name in sys.argv[1:]:
        path = Path(name)
        save_card(path, replace(read_card(path), familiar=familiar_rooms()))
        print(f"{path}: the card says in which rooms the model was trained")


if __name__ == "__main__":
    main()
