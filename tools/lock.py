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

"""Pin every package that the project installs: requirements/*.in to requirements/*.txt.

Each pin carries the hashes of the files that may be installed for it: wheels for our machines, and
a source only where there is none of these.

What was pinned before stays, unless a wish says otherwise or `--upgrade` is given.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
OLDEST_PYTHON = "3.10"
HEADER = "# Written by `make lock` from {source}; edit that instead.\n"

# The same on every machine the lock is made for, so it says nothing.
CONSTANT_MARKERS = re.compile(
    r"\s*and\s+(?:python_full_version < '3\.14'|platform_machine == 'x86_64'"
    r"|sys_platform == 'linux'|(?:platform_python_implementation|implementation_name)"
    r" (?:== 'CPython'|!= 'PyPy'))"
)
# What torch brings for a graphics card: only its build for one asks for these.
FROM_TORCH = re.compile(r"^(nvidia-|cuda-|triton==)")
PYTHON_MINORS = range(10, 14)
PLATFORM = r"any|(many)?linux\w*_x86_64"


def resolve(sources: list[Path], *options: str) -> str:
    """Resolve lists of wishes for all Pythons at once."""
    command = ["uv", "pip", "compile", *map(str, sources), "--universal", "--quiet"]
    command += ["--python-version", OLDEST_PYTHON, "--no-annotate", "--no-header", *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit("These wishes cannot be met together (see above): nothing was written.")
    return done.stdout


def pins_in(text: str) -> list[str]:
    """Read the pins of a lock file, or of uv's output, without their hashes."""
    lines = [line for line in text.splitlines() if re.match(r"\w", line)]
    return [line.rstrip("\\").strip() for line in lines]


def plain(pin: str) -> str:
    """Leave in a pin's marker only what differs between the machines it is for."""
    name, _, marker = pin.partition(" ; ")
    name = re.sub(r"^(torch==[0-9.]+)\+\w+", r"\1", name)
    marker = CONSTANT_MARKERS.sub("", " and " + marker)
    marker = re.sub(r"^\s*and\s+", "", marker).strip()
    return f"{name} ; {marker}" if marker else name


@cache
def usable() -> set[tuple[str, str]]:
    """List the pairs of interpreter and ABI that the supported Pythons take wheels for."""
    pairs = set()
    for minor in PYTHON_MINORS:
        tags = [*cpython_tags((3, minor), platforms=["any"], abis=[f"cp3{minor}"])]
        tags += compatible_tags((3, minor), platforms=["any"])
        pairs |= {(tag.interpreter, tag.abi) for tag in tags}
    return pairs


def fits(wheel: str) -> bool:
    """Tell whether a wheel is for the machines that this lock is made for, by its file name."""
    pairs = usable()
    return any(
        (tag.interpreter, tag.abi) in pairs and re.fullmatch(PLATFORM, tag.platform)
        for tag in parse_wheel_filename(wheel)[3]
    )


def hashes_in(pylock: str) -> dict[str, list[str]]:
    """Collect each release's hashes: its wheels for us, or else its source."""
    found: dict[str, list[str]] = {}
    for package in re.split(r"^\[\[packages\]\]$", pylock, flags=re.M)[1:]:
        name, version = (
            re.search(rf'^{key} = "(.+)"$', package, re.M)[1] for key in ("name", "version")
        )
        wheels, source = [], []
        for file in re.finditer(r'url = "[^"]*/([^"/]+)".*?sha256 = "([0-9a-f]{64})"', package):
            kind = wheels if file[1].endswith(".whl") else source
            if kind is source or fits(file[1]):
                kind.append(f"sha256:{file[2]}")
        found[f"{name}=={version}"] = sorted(wheels or source)
    return found


def write(target: Path, source: str, pins: list[str], hashes: dict[str, list[str]]) -> None:
    """Write one lock file."""
    entries = [
        " \\\n    --hash=".join([pin, *hashes[pin.partition(" ; ")[0]]])
        for pin in sorted(pins, key=lambda pin: pin.partition("==")[0])
    ]
    text = HEADER.format(source=source) + "\n".join(entries) + "\n"
    target.write_text(text, encoding="utf-8")
    print(f"{target.relative_to(ROOT)}: {len(pins)} pins")


def main() -> int:
    """Pin the base, ROS 2's wheels beside it, and what only some machines need."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest of everything")
    upgrade = parser.parse_args().upgrade
    if shutil.which("uv") is None:
        print("`uv` is missing: install it with `pip install uv`", file=sys.stderr)
        return 1
    sources = [REQUIREMENTS / name for name in ("base.in", "ros.in", "build.in")]
    base_source, _, build_source = sources
    locks = {name: REQUIREMENTS / f"{name}.txt" for name in ("base", "ros", "cuda", "build")}
    with tempfile.TemporaryDirectory() as folder:
        # Lists that must agree are resolved together; what was pinned before is preferred.
        together = Path(folder, "together.txt")
        before = [file.read_text(encoding="utf-8") for file in locks.values() if file.is_file()]
        together.write_text("" if upgrade else "\n".join(pins_in("\n".join(before))))
        resolve(sources, "--output-file", str(together))
        everything = pins_in(together.read_text(encoding="utf-8"))
        agreeing = ("--constraint", str(together))
        base = {plain(pin) for pin in pins_in(resolve([base_source], *agreeing))}
        build = {plain(pin) for pin in pins_in(resolve([build_source], *agreeing))}
        hashes = hashes_in(resolve(sources, *agreeing, "--format", "pylock.toml"))
    pins = [plain(pin) for pin in everything]
    cuda = [pin for pin in pins if FROM_TORCH.match(pin)]
    rest = [pin for pin in pins if pin not in cuda]
    write(locks["base"], "base.in", [pin for pin in rest if pin in base], hashes)
    write(locks["ros"], "ros.in", [pin for pin in rest if pin not in base | build], hashes)
    write(locks["build"], "build.in", [pin for pin in rest if pin in build], hashes)
    write(locks["cuda"], "base.in (torch's own wishes)", cuda, hashes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
