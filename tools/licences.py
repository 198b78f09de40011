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

"""Write docs/licences.csv: the licence of every package that set-up installs.

tools/env run python tools/licences.py
"""

from __future__ import annotations

import csv
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Dict, List, Optional

from packaging.requirements import Requirement

import lock

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "docs" / "licences.csv"
LONGEST = 110
KNOWN_TEXTS = {
    "Apache License": "Apache License 2.0",
    "Permission is hereby granted, free of charge": "MIT",
}
SAME = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}

ELSEWHERE = "of another Python"


def pinned() -> List[Requirement]:
    """List what is pinned, for whichever Python."""
    files = [ROOT / "requirements" / f"{name}.txt" for name in ("base", "ros")]
    texts = [pin for file in files for pin in lock.pins_in(file.read_text(encoding="utf-8"))]
    return [Requirement(text) for text in texts]


def is_for_this_python(pin: Requirement) -> bool:
    """Tell whether a pin is installed with the Python that runs this."""
    return pin.marker is None or pin.marker.evaluate()


def stated(name: str) -> Optional[str]:
    """Find what an installed package says its licence is, in the places that there are for it."""
    about = metadata.metadata(name)
    kinds = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    declared = (about.get("License") or "").strip()
    candidates = [
        about.get("License-Expression") or "",
        "" if declared == "UNKNOWN" or "\n" in declared else declared,
        " or ".join(line.rpartition(" :: ")[2] for line in kinds),
        in_package_xml(re.sub(r"^ros-", "", name).replace("-", "_")),
        by_its_text(name),
    ]
    return next((text for text in candidates if text and len(text) <= LONGEST), None)


def in_package_xml(name: str) -> str:
    """Read a ROS 2 package's licence."""
    file = Path(sys.prefix) / "share" / name / "package.xml"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return ", ".join(sorted(set(re.findall(r"<license[^>]*>([^<]+)</license>", text))))


def by_its_text(name: str) -> str:
    """Recognise the text of a licence that a package brings."""
    for file in metadata.files(name) or ():
        if "dist-info" in str(file) and re.match(r"licen[sc]e", file.name, re.I):
            text = file.read_text(encoding="utf-8")
            return next((title for words, title in KNOWN_TEXTS.items() if words in text), "")
    return ""


def found() -> Dict[str, str]:
    """Find every package's licence; end with a sentence where one does not say."""
    pins = pinned()
    here = {pin.name for pin in pins if is_for_this_python(pin)}
    licences = {}
    for name in sorted({pin.name for pin in pins}, key=str.lower):
        licence = stated(name) if name in here else ELSEWHERE
        if licence is None:
            sys.exit(f"{name} does not say what its licence is: look it up, and tell licences.py")
        licences[name] = SAME.get(licence, licence)
    return licences


def main() -> int:
    """Write the list."""
    rows = [("package", "licence"), *found().items()]
    with LIST.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{LIST.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
