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

"""Where everything stands in the viewer's window, and in which colours lines are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TRACE_COLOURS = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (213, 94, 0),
    (0, 114, 178),
    (200, 200, 200),
)
"""Okabe and Ito's, which those tell apart, too, who cannot tell red and green."""


def layout(views: Sequence[str]) -> Any:
    """Lay out cameras, space, muscles, delays and messages."""
    import rerun.blueprint as rrb

    cameras = [rrb.Spatial2DView(origin=f"camera/{view}", name=view) for view in views]
    left = [*cameras, rrb.Spatial3DView(origin="space", name="keyboard and hands, or body")]
    right = [
        rrb.TimeSeriesView(origin="muscles", name="effort of the muscles"),
        rrb.TimeSeriesView(origin="delay", name="delay by stage, ms"),
        rrb.TextLogView(origin="messages", name="flags and diagnostics"),
    ]
    return rrb.Blueprint(
        rrb.Horizontal(rrb.Vertical(*left), rrb.Vertical(*right, row_shares=[3, 1, 1])),
        rrb.TimePanel(state="collapsed"),
        collapse_panels=True,
    )
