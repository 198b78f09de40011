"""Pin every package that the project installs: requirements/*.in to requirements/*.txt."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

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
# What torch brings for a graphics card. Torch pins it itself; its processor-only build has none.
FROM_TORCH = re.compile(r"^(nvidia-|cuda-|triton==)")


def compile_pins(sources: list[Path], pinned: Path | None = None) -> list[str]:
    """Resolve lists of wishes for all Pythons at once, agreeing with pins made before."""
    command = ["uv", "pip", "compile", *map(str, sources), "--universal", "--quiet"]
    command += ["--python-version", OLDEST_PYTHON, "--no-annotate", "--no-header"]
    if pinned is not None:
        command += ["--constraint", str(pinned)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit("These wishes cannot be met together (see above): nothing was written.")
    return [line for line in done.stdout.splitlines() if line and not FROM_TORCH.match(line)]


def plain(pin: str) -> str:
    """Leave in a pin's marker only what differs between the machines it is for."""
    name, _, marker = pin.partition(" ; ")
    name = re.sub(r"^(torch==[0-9.]+)\+\w+", r"\1", name)
    marker = CONSTANT_MARKERS.sub("", " and " + marker)
    marker = re.sub(r"^\s*and\s+", "", marker).strip()
    return f"{name} ; {marker}" if marker else name


def write(target: Path, source: Path, pins: list[str]) -> None:
    """Write one lock file."""
    text = HEADER.format(source=source.name) + "\n".join(pins) + "\n"
    target.write_text(text, encoding="utf-8")
    print(f"{target.relative_to(ROOT)}: {len(pins)} pins")


def main() -> int:
    """Pin the base, then ROS 2's wheels beside it."""
    if shutil.which("uv") is None:
        print("`uv` is missing: install it with `pip install uv`", file=sys.stderr)
        return 1
    base_source, ros_source = REQUIREMENTS / "base.in", REQUIREMENTS / "ros.in"
    # Both together, as they must agree; then the base once more, to know which pins are its own.
    everything = compile_pins([base_source, ros_source])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as together:
        together.write("\n".join(everything))
        together.flush()
        base = [plain(pin) for pin in compile_pins([base_source], Path(together.name))]
    ros = [pin for pin in map(plain, everything) if pin not in base]
    write(REQUIREMENTS / "base.txt", base_source, base)
    write(REQUIREMENTS / "ros.txt", ros_source, ros)
    return 0


if __name__ == "__main__":
    sys.exit(main())
