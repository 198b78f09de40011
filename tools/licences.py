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

"""Write docs/licences.md: the licence of every package that set-up installs.

tools/env run python tools/licences.py
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Dict, List, Optional

from packaging.requirements import Requirement

import lock

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
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

HEAD = """# Licences of what is installed

Written by `tools/env run python tools/licences.py`: what each package that set-up installs with
CPython {python} says of itself. `kpm_ros` is under [Apache-2.0](../LICENSE), and brings none of
them with it: pip fetches them. What `requirements/cuda.txt` lists is installed only beside a torch
for graphics cards; most of it is NVIDIA's, under NVIDIA's own terms, which are not free software.

The tests alone use `quadprog`, which is under the GPL, to check a solver of our own: nothing in
`kpm_ros/` imports it, which a test makes sure of. `docutils`, which the build tools use, holds some
files under the GPL. `apsw` may be used under any licence that the Open Source Initiative approves.

| licence | packages |
|---|---|
"""
ELSEWHERE = "\nOther Pythons get these as well: {names}.\n"


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


def page() -> str:
    """Write the page; end with a sentence where a package does not say."""
    packages: Dict[str, List[str]] = {}
    here = {pin.name for pin in pinned() if is_for_this_python(pin)}
    for name in sorted(here, key=str.lower):
        licence = stated(name)
        if licence is None:
            sys.exit(f"{name} does not say what its licence is: look it up, and tell licences.py")
        packages.setdefault(SAME.get(licence, licence), []).append(name)
    rows = [f"| {licence} | {', '.join(packages[licence])} |\n" for licence in sorted(packages)]
    others = sorted({pin.name for pin in pinned()} - here, key=str.lower)
    end = ELSEWHERE.format(names=", ".join(others)) if others else ""
    return HEAD.format(python="{}.{}".format(*sys.version_info)) + "".join(rows) + end


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
