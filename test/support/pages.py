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

"""Reads the project's pages: links, names, defaults and blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "QUALITY_DECLARATION.md",
    *sorted((ROOT / "docs").glob("*.md")),
]

FOLDERS = "kpm_ros|config|test|tools|bench|docs|launch|msg|requirements|examples"
FENCE = re.compile(r"^(```|~~~)(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
SHELL = ("sh", "bash")
PLACES = re.compile(r"<!-- (\w+:\w+) -->\n.*?<!-- (end of \w+|\w+:end) -->", re.DOTALL)
"""Where tools write tables."""
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:)([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    """One page's text."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        return cls(path, path.read_text("utf-8"))

    @cached_property
    def prose(self) -> str:
        """What stands outside blocks of code."""
        return FENCE.sub("", self.text)

    @cached_property
    def written(self) -> str:
        """What people wrote: without what tools put into its places."""
        return PLACES.sub("", self.prose)

    @property
    def links(self) -> list[str]:
        return LINK.findall(INLINE.sub("", self.prose))

    @property
    def inline(self) -> list[str]:
        """Code within sentences."""
        return [" ".join(code.split()) for code in INLINE.findall(self.written)]

    def blocks(self, *kinds: str) -> list[str]:
        """Blocks of code in these languages."""
        return [body for _, kind, body in FENCE.findall(self.text) if kind in kinds]

    @property
    def shell(self) -> str:
        """Lines of the blocks that are typed into a shell."""
        return "\n".join(self.blocks(*SHELL))


def anchors(path: Path) -> set[str]:
    """Places within a page that links may name, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


ELSEWHERE = frozenset(
    {
        *("v4l2_camera", "baseline_mean", "control_msgs", "dynamixel_ros_control", "joy_node"),
        *("JointCommand", "OnProcessExit", "ros2_control"),
    }
)
"""Names of other projects, and parts of the scores' names on models' cards."""


STATED = re.compile(r"`(\w+_s)`(?: is|,)? \(?([\d.]+) (ms|s)\b")
"""A parameter, and what the sentence or table says that it is."""


def wrong_defaults(page: Page) -> list[str]:
    """Parameters that a page says are something else than the parameters file does."""
    known: dict[str, list[object]] = {}
    text = (ROOT / "config" / "pipeline.yaml").read_text("utf-8")
    for entry in yaml.safe_load(text).values():
        for name, value in entry["ros__parameters"].items():
            known.setdefault(name, []).append(value)
    stated = STATED.findall(" ".join(page.written.split()))
    return [
        f"{name} is {number} {unit}"
        for name, number, unit in stated
        if name in known and float(number) / (1000 if unit == "ms" else 1) not in known[name]
    ]


def is_known(code: str) -> bool:
    """Whether a file, module or name that stands in a sentence is in the project.

    Plain words, and what is more than a name, pass.
    """
    if re.fullmatch(rf"({FOLDERS})/\S*", code):
        return bool(list(ROOT.glob(re.sub(r"<\w+>", "*", code).rstrip("/"))))
    if code.startswith("kpm_ros."):
        return _is_importable(code)
    if re.fullmatch(r"[\w/]+\.py", code):
        return any(f"/{path}".endswith(f"/{code}") for path in _python_files())
    if not re.fullmatch(r"[A-Za-z]\w*([._][A-Za-z]\w*)*(\(\))?", code):
        return True
    parts = re.findall(r"\w+", code)
    return all(part in known_words() for part in parts if re.search(r"_|[a-z][A-Z]", part))


@cache
def _python_files() -> list[str]:
    folders = ("kpm_ros", "test", "tools", "bench", "launch", "examples")
    found = [path for name in folders for path in (ROOT / name).rglob("*.py")]
    return [str(path.relative_to(ROOT)) for path in (*found, ROOT / "setup.py")]


def _is_importable(name: str) -> bool:
    """Whether a dotted name is a module of the package, or something that one defines."""
    path = ROOT / name.replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py")
    defined = rf"^(class |def )?{path.name}\b"
    return module.is_file() and bool(re.search(defined, module.read_text("utf-8"), re.MULTILINE))


@cache
def known_words() -> frozenset[str]:
    """Every word of the project's own sources."""
    kinds = ("*.py", "*.msg", "*.yaml", "*.txt", "*.in", "*.toml", "*.cmake", "*.xml", "*.json")
    folders = ("kpm_ros", "config", "msg", "test", "bench", "tools", "cmake", "launch")
    files = [f for folder in folders for kind in kinds for f in (ROOT / folder).rglob(kind)]
    files += [ROOT / "CMakeLists.txt", ROOT / "Makefile", ROOT / "setup.py", ROOT / "package.xml"]
    words: set[str] = set()
    for file in files:
        if file.name not in ("test_pages.py", "pages.py", "command_lines.py"):
            words.update(re.findall(r"\w+", file.read_text("utf-8")))
    return frozenset(words) | ELSEWHERE
