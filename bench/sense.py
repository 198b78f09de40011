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

"""What the senses find in real recordings, and what that costs.

Each section measures one sense and gives its figures; without its recording it gives none.
"""

from __future__ import annotations

import importlib

from _report import ROOT, bench_options, machine, write_report

SECTIONS = {"hands": "_hands", "bodies": "_bodies", "midi": "_midi", "calibration": "_calibration"}
"""Sections by name, with the module whose `measure(shared)` gives the figures."""


def main() -> None:
    """Run the sections and write the figures."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--only", choices=SECTIONS, help="run one section")
    arguments = parser.parse_args()
    described = machine()
    figures: dict[str, float] = {}
    for name, module in SECTIONS.items():
        if arguments.only in (None, name):
            figures |= importlib.import_module(module).measure(ROOT.parent / "shared")
    packages = ("numpy", "mediapipe", "opencv-contrib-python", "mido", "pylsl", "brainflow")
    write_report(arguments.out, figures, described, packages)


if __name__ == "__main__":
    main()
