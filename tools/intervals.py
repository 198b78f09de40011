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

"""Write into models' cards how far off they are of somebody new.

tools/intervals.py MODEL... --data SET...

Of each data set those people are taken whom the model has not met, as its card says. A training
does the same with the people whom its splits leave out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.training.new_people import calibrated, unmet
from kpm_ros.models.trained import load
from kpm_ros.models.weight_files import save_card


def main() -> None:
    """Rewrite each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--data", nargs="+", type=Path, metavar="SET", required=True)
    options = parser.parse_args()
    datasets = [open_dataset(path) for path in options.data]
    for path in options.models:
        model = load(path)
        new = [(one, names) for one in datasets if (names := unmet(model.card, one))]
        if not new:
            parser.error(f"{path} has met everybody in these data: give sets of other people")
        card = calibrated(model, new)
        save_card(path, card)
        print(f"{path}: {card.trained_on}")


if __name__ == "__main__":
    main()
