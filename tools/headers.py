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

"""Put the copyright and the licence at the top of every source file that lacks them.

    tools/env run python tools/headers.py            # write them
    tools/env run python tools/headers.py --check    # name the files that lack them

The words are those that ROS 2's ament_copyright looks for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("bench", "cmake", "config", "kpm_ros", "launch", "test", "tools")
MARKS = {".py": "#", ".cmake": "#", ".cpp": "//", ".hpp": "//"}
TEXT = """\
Copyright 2026 The kpm_ros authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
"""


def header(mark: str) -> str:
    """Write the header as comments."""
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in TEXT.splitlines())


def lacking() -> List[Path]:
    """List the source files without it; an empty file needs none."""
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*"))]
    return [
        file
        for file in files
        if file.suffix in MARKS
        and "__pycache__" not in file.parts
        and file.stat().st_size
        and header(MARKS[file.suffix]) not in file.read_text(encoding="utf-8")
    ]


def add(file: Path) -> None:
    """Put it below the line that says what runs the file, if there is one."""
    text = file.read_text(encoding="utf-8")
    first = text.partition("\n")[0] + "\n" if text.startswith("#!") else ""
    rest = text[len(first) :].lstrip("\n")
    file.write_text(f"{first}{header(MARKS[file.suffix])}\n{rest}", encoding="utf-8")


def main() -> int:
    """Write what is missing, or say where."""
    files = lacking()
    check = "--check" in sys.argv[1:]
    for file in files:
        print(file.relative_to(ROOT))
        if not check:
            add(file)
    return int(check and bool(files))


if __name__ == "__main__":
    sys.exit(main())
