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

"""How well cameras are registered to the keyboard: in a real video, and in SIMULATED rooms."""

from __future__ import annotations

from _keyboard import measure, measure_rendered
from _report import ROOT, bench_options, machine, write_report


def main() -> None:
    """Measure and write the figures."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--rooms", type=int, default=60, help="rendered rooms (default: 60)")
    arguments = parser.parse_args()
    described = machine()
    figures = measure(ROOT.parent / "shared") | measure_rendered(arguments.rooms)
    write_report(arguments.out, figures, described, ("numpy", "opencv-contrib-python"))


if __name__ == "__main__":
    main()
