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

"""`kpm doctor`: what this machine has, whether it works, and how to mend what does not."""

from __future__ import annotations

import argparse
import json

from kpm_ros.core.foreign_files import printable

NAME = "doctor"
PURPOSE = "look for cameras, pianos and amplifiers, try each, say how to mend what fails"
EXAMPLES = """\
examples:
  kpm doctor
  kpm doctor --json            the same for programs

Works without ROS 2. What is not there is no fault.

exit status: 0 nothing that is there fails, 1 something does
"""

MARKS = {"ok": "+", "none": "-", "missing": "-", "broken": "!"}
ADVICE = {
    "ok": "to do more",
    "none": "if there should be one",
    "missing": "to have it",
    "broken": "to mend it",
}
"""How each state is shown, and what leads in to what can be done about it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the form of the output, and the patience."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--patience",
        type=float,
        default=20.0,
        metavar="S",
        help="how long each device may take (default: 20)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Try everything and tell."""
    from kpm_ros.core.settings import check_number
    from kpm_ros.operate.checkups import run_all
    from kpm_ros.operate.errors import user_errors

    with user_errors():
        check_number("patience", arguments.patience, least=1, most=600)
    findings = run_all(arguments.patience)
    broken = [each for each in findings if each.state == "broken"]
    if arguments.json:
        report = {"healthy": not broken, "findings": [each.as_dict() for each in findings]}
        print(json.dumps(report, indent=2))
        return 1 if broken else 0
    area = ""
    for each in findings:
        if each.area != area:
            area = each.area
            print(area)
        print(printable(f"  {MARKS[each.state]} {each.name}: {each.said}"))
        if each.mend:
            print(f"      {ADVICE[each.state]}: {each.mend}")
    count = len(broken)
    things = "thing does" if count == 1 else "things do"
    print(f"\n{count} {things} not work" if broken else "\nnothing that is there fails")
    return 1 if broken else 0
