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

"""What every benchmark writes: figures, the machine, versions and the command, as one file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kpm_ros.core.provenance import processor, versions

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "bench"
TELLING_FLAGS = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "neon")


def bench_options(script: str, doc: str | None) -> argparse.ArgumentParser:
    """Begin the options of a benchmark, of which this is the file: where its report goes."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    report = OUT / f"{Path(script).stem}.json"
    parser.add_argument("--out", type=Path, default=report, help="default: %(default)s")
    return parser


def machine() -> dict[str, object]:
    """Describe the machine as far as it bears on speed."""
    fields: dict[str, str] = {}
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "instructions": [flag for flag in TELLING_FLAGS if flag in flags],
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def write_report(
    path: Path,
    figures: Mapping[str, float],
    described: Mapping[str, object],
    packages: Iterable[str],
) -> None:
    """Write a benchmark's figures with all that is needed to take them again."""
    report = {
        "figures": dict(figures),
        "machine": dict(described),
        "versions": versions(packages),
        "command": shlex.join(["python", *sys.argv]),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nwritten to {path}")


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a heading, the first column to the left and the others to the right."""
    lines = [tuple(head)]
    for row in rows:
        lines.append(tuple(f"{x:.3f}" if isinstance(x, float) else str(x) for x in row))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print(f"\n{title}")
    for line in lines:
        first = line[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        print("  ".join(["", first, *rest]))
