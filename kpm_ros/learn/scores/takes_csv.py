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

"""Everything that was measured as one table of CSV, a measure a line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from kpm_ros.learn.scores.summaries import BY_NAME, rows
from kpm_ros.learn.scores.takes import Take

HEAD = (
    "model",
    "test_set",
    "level",
    "person",
    "recording",
    "muscle",
    "measure",
    "unit",
    "value",
    "low",
    "high",
    "recordings",
)


def as_csv(takes: Sequence[Take]) -> str:
    """Write a line for each measure of each level; a field is empty where nothing can be told."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for row in rows(takes):
        names = (row.model, row.test_set, row.level, row.person, row.recording, row.muscle)
        numbers = (row.interval.mean, row.interval.low, row.interval.high)
        written = ("" if math.isnan(value) else f"{value:.6g}" for value in numbers)
        unit = BY_NAME[row.measure].unit
        writer.writerow((*names, row.measure, unit, *written, row.recordings))
    return text.getvalue()
