"""How long effort takes to be well again after each fault, on the real graph.

Runs the tests of `test/nodes/test_faults*.py`, which break devices, the network's share of the
processor, and the clock, several times over; each measures from the end of its fault to the first
effort sample without any flag.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from _report import ROOT, machine, print_table, write_report

OUT = Path("out/bench")
PACKAGES = ("ros-rclpy", "ros-rmw-fastrtps-cpp", "numpy", "numba")
PROPERTY = "recovery_ms"


def run_once(chosen: list[str]) -> dict[str, float]:
    """Run the tests and give what they measured, by the name of the test."""
    tests = sorted(str(path) for path in (ROOT / "test" / "nodes").glob("test_faults*.py"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [f"--junitxml={report}", "-o", "junit_family=xunit1", *tests, *chosen]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout[-3000:], done.stderr[-3000:], sep="\n", file=sys.stderr)
            sys.exit("a fault did not end as it must: see above")
        cases = ElementTree.parse(report).iter("testcase")
        return {
            name_of(case.attrib["name"]): float(entry.attrib["value"])
            for case in cases
            for entry in case.iter("property")
            if entry.attrib["name"] == PROPERTY
        }


def name_of(test: str) -> str:
    """Make a figure's name of a test's."""
    words = re.sub(r"[^a-z0-9]+", "_", test.removeprefix("test_").lower().replace("-", "minus_"))
    return words.strip("_")


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="times that every fault happens")
    parser.add_argument("-k", dest="chosen", default="", help="only tests like this, as pytest -k")
    parser.add_argument("--out", type=Path, default=OUT / "faults.json")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    here = machine()
    measured: dict[str, list[float]] = defaultdict(list)
    for _ in range(arguments.repeats):
        for name, took_ms in run_once(["-k", arguments.chosen] if arguments.chosen else []).items():
            measured[name].append(took_ms)
    rows = [[n, statistics.median(v), min(v), max(v)] for n, v in measured.items()]
    print_table("Well again after, in ms", ["fault", "median", "least", "most"], rows)
    figures = {f"{name}_ms": statistics.median(values) for name, values in measured.items()}
    figures["slowest_recovery_ms"] = max(figures.values())
    write_report(arguments.out, figures, here, PACKAGES)


if __name__ == "__main__":
    main()
