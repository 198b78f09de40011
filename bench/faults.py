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

"""How long torque takes to be zero after each fault, and effort to be well, on the real graph.

Runs the tests of `test/nodes/test_faults*.py`, which break devices, the network's share of the
processor, and the clock, and publish what nobody should. Where a fault must
end in no torque, a test measures from its beginning to the last command with any, and fails if
there is more while it lasts; all measure from its end to the first effort sample without any flag.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from _report import ROOT, bench_options, machine, print_table, write_report

PACKAGES = ("ros-rclpy", "ros-rmw-fastrtps-cpp", "numpy", "numba")
ZERO, WELL, FASTEST = "zero_ms", "recovery_ms", "fastest_nm_s"
"""What tests measure."""
WAITED_FOR = ("camera_is_knocked",)
"""What only playing tells: where a camera stands. Of all other faults that must end in no torque,
`fault_to_zero_ms_max` is the slowest that was ever measured."""

Measured = dict[str, dict[str, list[float]]]
"""Values of each kind, by the name of the test."""


def run_once(chosen: list[str], measured: Measured) -> None:
    """Run the tests and add what they measured."""
    tests = sorted(str(path) for path in (ROOT / "test" / "nodes").glob("test_faults*.py"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [f"--junitxml={report}", "-o", "junit_family=xunit1", *tests, *chosen]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout[-3000:], done.stderr[-3000:], sep="\n", file=sys.stderr)
            sys.exit("a fault did not end as it must: see above")
        for case in ElementTree.parse(report).iter("testcase"):
            for entry in case.iter("property"):
                if entry.attrib["name"] in measured:
                    values = measured[entry.attrib["name"]]
                    values[name_of(case.attrib["name"])].append(float(entry.attrib["value"]))


def measure(repeats: int, chosen: list[str]) -> Measured:
    """Let every fault happen so many times."""
    measured: Measured = {kind: defaultdict(list) for kind in (ZERO, WELL, FASTEST)}
    for _ in range(repeats):
        run_once(chosen, measured)
    return measured


def slowest_to_zero(measured: Measured) -> float:
    """Longest time to no torque of all but what is waited for."""
    known = [v for n, v in measured[ZERO].items() if not any(word in n for word in WAITED_FOR)]
    return max((max(values) for values in known), default=float("nan"))


def name_of(test: str) -> str:
    """Make a figure's name of a test's."""
    words = re.sub(r"[^a-z0-9]+", "_", test.removeprefix("test_").lower().replace("-", "minus_"))
    return words.strip("_")


def main() -> None:
    """Run everything and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="times that every fault happens")
    parser.add_argument("-k", dest="chosen", default="", help="only tests like this, as pytest -k")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    here = machine()
    measured = measure(arguments.repeats, ["-k", arguments.chosen] if arguments.chosen else [])
    figures: dict[str, float] = {}
    for title, kind, suffix in (
        ("No torque any more after, in ms", ZERO, "_to_zero_ms"),
        ("Well again after, in ms", WELL, "_ms"),
        ("Fastest change of torque, in Nm/s", FASTEST, "_nm_s"),
    ):
        of_kind = measured[kind]
        rows = [[n, statistics.median(v), min(v), max(v)] for n, v in of_kind.items()]
        print_table(title, ["fault", "median", "least", "most"], rows)
        figures |= {f"{name}{suffix}": statistics.median(v) for name, v in of_kind.items()}
        figures |= {f"{name}{suffix}_most": max(v) for name, v in of_kind.items() if kind != WELL}
    figures["repeats"] = float(arguments.repeats)
    figures["fault_to_zero_ms_max"] = slowest_to_zero(measured)
    figures |= {f"slowest_{kind}": _greatest(measured[kind]) for kind in (ZERO, WELL)}
    write_report(arguments.out, figures, here, PACKAGES)


def _greatest(values: dict[str, list[float]]) -> float:
    """Greatest of the medians."""
    return max((statistics.median(each) for each in values.values()), default=float("nan"))


if __name__ == "__main__":
    main()
