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

"""Whether what a data set tests is new to whoever is trained on its training part."""

from __future__ import annotations

from collections.abc import Iterator

from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import seen_of, what_was_met

NEW_IN = {"test": "", "test_cross_user": "person", "test_cross_task": "task"}
"""What no model may have met in a test set, besides the takes themselves."""


def leaks(dataset: DataSet) -> list[str]:
    """Say what of each test is known from training or choosing, whatever its name is there."""
    return list(_leaks(dataset))


def _leaks(dataset: DataSet) -> Iterator[str]:
    known = [*dataset.splits.get("train", ()), *dataset.splits.get("val", ())]
    seen = seen_of(dataset.identities[name] for name in known)
    for split, what in NEW_IN.items():
        met: dict[str, list[str]] = {}
        for name in dataset.splits.get(split, ()):
            found = what_was_met(dataset.identities[name], seen, what)
            if found:
                met.setdefault(found, []).append(name)
        for found, names in met.items():
            yield (
                f"{dataset.split_file}: {len(names)} recording(s) of {split!r}, such as "
                f"{names[0]}, have a {found} that is also in 'train' or 'val': models have met them"
            )
