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

"""What is noticed of unfamiliar rooms, how soon, and how much of familiar time is flagged."""

from __future__ import annotations

from _report import bench_options, machine, print_table, write_report
from _strange_hands import hand_figures, strange_hands
from _unfamiliar import figures, rows, unfamiliar, usual_rows


def main() -> None:
    """Try every kind in some SIMULATED rooms."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--rooms", type=int, default=40, help="SIMULATED rooms to try it in")
    options = parser.parse_args()
    described = machine()
    outcomes, usual = unfamiliar(options.rooms)
    hands = list(strange_hands(options.rooms))
    head = ("SIMULATED", "cameras", "rooms", "within 5 s", "ever", "median s")
    print_table("unfamiliar, and noticed", head, rows(outcomes))
    print_table("hands and views, and noticed", head, rows(hands))
    rates = ("slowest camera, frames/s", "rooms", "part of the time flagged")
    print_table("familiar rooms", rates, usual_rows(usual))
    found = figures(outcomes, usual) | hand_figures(hands)
    for name, value in found.items():
        print(f"  {name}: {value:.4f}")
    write_report(options.out, found, described, ("numpy",))


if __name__ == "__main__":
    main()
