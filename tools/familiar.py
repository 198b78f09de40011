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

"""Write into a model's card what its training was of.

tools/familiar.py MODEL... [--data SET]

The hands of a data set's split "train" are those that the model was trained on. Of a model in the
keyboard's frame, the rooms are those that `kpm simulate --rooms random` draws.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from kpm_ros.core.streams import KEYBOARD
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.familiar_hands import familiar_hands
from kpm_ros.models.weight_files import read_card, save_card
from kpm_ros.simulate.familiar_rooms import familiar_rooms


def main() -> None:
    """Rewrite each file; what its card said of hands stays where no data are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--data", type=Path, metavar="SET", help="of the hands of its training")
    options = parser.parse_args()
    for path in options.models:
        card = read_card(path)
        told = dict(card.familiar)
        if any(hand.coordinates == KEYBOARD for hand in card.streams.landmarks):
            told |= familiar_rooms()
        if options.data:
            dataset = open_dataset(options.data)
            told |= familiar_hands(card, dataset.on_grid(dataset.splits["train"], card))
        save_card(path, replace(card, familiar=told))
        print(f"{path}: the card says what the model was trained on")


if __name__ == "__main__":
    main()
