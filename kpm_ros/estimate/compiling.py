"""How the estimator's arithmetic is compiled for this machine's CPU, and where that is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite import binding

Function = TypeVar("Function", bound=Callable[..., Any])

_config: Any = numba.config
_FEATURES = binding.get_host_cpu_features()

LANES = 16 if _FEATURES.get("avx512f") else 8
"""Floats handled by one instruction."""
ROWS = 12 if LANES == 16 else 6
"""Most rows whose sums fit in the CPU's registers, two vectors each."""
PANEL = 2 * LANES
"""Columns of packed weights that lie together."""
WIDE_PANEL = 8 * LANES
"""The same where there is a single row, which needs more sums at once to keep the CPU busy."""
READS_HALF = not _config.CPU_NAME and bool(_FEATURES.get("f16c") or _FEATURES.get("neon"))
"""Whether float16 weights, half the memory traffic, cost one instruction to read."""

_COMPILED_FILES = ("compiling.py", "kernels.py", "layers.py", "layout.py")


def _cache_folder() -> Path:
    """Name the folder of compiled code; it changes whenever any of the compiled files does.

    Numba by itself looks only at the file of the outermost function.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256(b"".join((here / name).read_bytes() for name in _COMPILED_FILES))
    base = _config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kpm_ros" / digest.hexdigest()[:16]


def compiled(function: Function) -> Function:
    """Compile a function on first use, and keep the result on disk if there is a place for it."""
    fast = {"nsz", "arcp", "contract", "afn", "reassoc"}
    options: dict[str, Any] = {"nogil": True, "fastmath": fast, "error_model": "numpy"}
    before = _config.CACHE_DIR
    try:
        _config.CACHE_DIR = str(_cache_folder())
        return numba.njit(cache=True, **options)(function)
    except (RuntimeError, OSError):  # no folder that can be written to
        return numba.njit(**options)(function)
    finally:
        _config.CACHE_DIR = before
