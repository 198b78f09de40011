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

"""How the estimator's arithmetic is compiled for this machine's CPU, and where that is kept."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core.codegen import get_host_cpu_features
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

_config: Any = numba.config


def _cpu_features() -> set[str]:
    """Name what numba compiles for: this machine, unless numba's own settings say otherwise."""
    set_by_user = _config.CPU_FEATURES
    listed = get_host_cpu_features() if set_by_user is None else set_by_user
    return {feature[1:] for feature in listed.split(",") if feature.startswith("+")}


_FEATURES = _cpu_features()

LANES = 16 if "avx512f" in _FEATURES else 8
"""Floats handled by one instruction."""
ROWS = 12 if LANES == 16 else 6
"""Most rows whose sums fit in the CPU's registers, two vectors each."""
PANEL = 2 * LANES
"""Columns of packed weights that lie together."""
WIDE_PANEL = 8 * LANES
"""The same where there is a single row, which needs more sums at once to keep the CPU busy."""
READS_HALF = bool(_FEATURES & {"f16c", "neon"})
"""Whether float16 weights, half the memory traffic, cost one instruction to read."""

CACHE_LINE_BYTES = 64

FOLDER_NAME = re.compile("[0-9a-f]{16}")
KEPT_VERSIONS = 3
"""Other versions whose compiled code is kept however long ago they were used."""
KEPT_S = 30 * 24 * 3600.0

COMPILED_NAMES = ("*kernels.py", "layers.py", "*shapes.py", "keyboard.py")
"""Names of modules with compiled functions, and of those whose numbers they use."""


def compiled_files() -> list[Path]:
    """List the files that decide what the compiled code is."""
    package = Path(__file__).parents[1]
    found = {path for name in COMPILED_NAMES for path in package.rglob(name)}
    return [Path(__file__), *sorted(found)]


def _cache_folder() -> Path | None:
    """Make the folder of compiled code; it has another name whenever a compiled file changes.

    Numba by itself looks only at the file of the outermost function. None when there is no place
    that can be written to.
    """
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in compiled_files()))
    base = _config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(base) / "kpm_ros" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Its age is how long ago it was last used.
        os.utime(folder)
    except OSError:
        return None
    remove_unused(folder.parent, folder)
    return folder if os.access(folder, os.W_OK) else None


def remove_unused(base: Path, used: Path) -> None:
    """Remove folders of other versions' compiled code that nobody has used for long.

    A process that still runs such a version compiles again what it finds missing; it has nothing
    open between two looks. Whatever else lies there is left alone.
    """
    others = []
    for folder in base.iterdir() if os.access(base, os.R_OK) else ():
        with suppress(OSError):  # another process may be removing it, too
            if FOLDER_NAME.fullmatch(folder.name) and folder != used and folder.is_dir():
                others.append((folder.stat().st_mtime, folder))
    others.sort(reverse=True)
    for last_used, folder in others[KEPT_VERSIONS:]:
        if last_used < time.time() - KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


_CACHE = _cache_folder()


def on_cache_line(values: NDArray[Any]) -> NDArray[Any]:
    """Copy an array to where a cache line begins.

    Elsewhere, every read of a whole AVX-512 register would touch two lines.
    """
    room = np.empty(values.nbytes + CACHE_LINE_BYTES - 1, np.uint8)
    start = -room.ctypes.data % CACHE_LINE_BYTES
    copy = room[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy


class _WideLower(Lower):
    """Asks LLVM for registers as wide as the CPU has.

    On most Intel CPUs LLVM uses half of an AVX-512 register unless it is told otherwise, since some
    old ones ran slower for it.
    """

    def setup_function(self, fndesc: Any) -> None:
        super().setup_function(fndesc)
        if LANES == 16:
            # llvmlite takes no attribute that it does not know, but prints all that it has.
            set.add(self.function.attributes, '"prefer-vector-width"="512"')


@register_pass(mutates_CFG=True, analysis_only=False)
class _WideLowering(NativeLowering):
    _name = "native_lowering_for_wide_registers"

    @property
    def lowering_class(self) -> type[Lower]:
        return _WideLower


class _WideCompiler(Compiler):
    """Numba's compiler but for one pass."""

    def define_pipelines(self) -> Any:
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [
                (_WideLowering if kind is NativeLowering else kind, what)
                for kind, what in pipeline.passes
            ]
        return pipelines


def compiled(function: Function) -> Function:
    """Compile a function on first use, and keep the result on disk if there is a place for it."""
    fast = {"nsz", "arcp", "contract", "afn", "reassoc"}
    options: dict[str, Any] = {"nogil": True, "fastmath": fast, "error_model": "numpy"}
    options["pipeline_class"] = _WideCompiler
    # What is called becomes part of the caller. Otherwise the process that compiles would call what
    # it has compiled by itself, and those that read the result from disk the copy that comes with
    # the caller, which adds up in another order.
    options["forceinline"] = True
    before = _config.CACHE_DIR
    try:
        _config.CACHE_DIR = str(_CACHE or before)
        return numba.njit(cache=_CACHE is not None, **options)(function)
    finally:
        _config.CACHE_DIR = before
