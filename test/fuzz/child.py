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

"""Tries readers on damaged files: python -m fuzz.child FOLDER READER..."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from random import Random

from fuzz.readers import READERS, Reader
from support.fuzzing import cases, mutated

MB = 1 << 20
SPARE_MB = 4000
"""Address space beyond what good files need: libraries reserve much of it and use little."""
MOST_GROWTH_MB = 700
"""Memory in use beyond that of the good files."""
PATIENCE_S = 100
"""A reader that waits for a pipe takes no time of the processor."""
CANARY = b"somebody else's"


def main(names: list[str], folder: Path) -> int:
    """Try all cases of these readers; the first that fails is told with its number."""
    warnings.simplefilter("ignore")
    (folder / "outside").mkdir()
    (folder / "outside" / "thesis.txt").write_bytes(CANARY)
    good = {}
    for name in names:
        seeds = folder / "good" / name
        seeds.mkdir(parents=True)
        good[name] = READERS[name].make(seeds)
        for path in good[name]:
            READERS[name].read(path)
    used_mb = _peak_mb()
    limit = _address_space() + SPARE_MB * MB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    fault = next(
        filter(None, (_try_pipes(READERS[name], good[name], folder) for name in names)), ""
    )
    if fault:
        print(fault)
        return 1
    for name in names:
        for number, random in cases(READERS[name].usual, name):
            (folder / "last").write_text(f"{name} {number}")
            fault = _try(READERS[name], random, good[name], folder)
            grown_mb = _peak_mb() - used_mb
            if not fault and grown_mb > MOST_GROWTH_MB:
                fault = f"took {grown_mb:.0f} MB of memory"
            if fault:
                kept = folder.parent / f"{name}-{number}"
                shutil.copytree(folder / "work", kept, dirs_exist_ok=True)
                print(f"case {number} of {name}, kept in {kept}: {fault}")
                return 1
            shutil.rmtree(folder / "work")
    return _leaves_nothing(folder)


def _try(reader: Reader, random: Random, good: Sequence[Path], folder: Path) -> str:
    """Damage one good file and read it; gives what is wrong with how that went."""
    chosen = random.choice(good)
    case = _place(chosen, chosen.parent, folder / "work")
    bad = random.choice(reader.damaged(case))
    bad.write_bytes(mutated(bad.read_bytes(), random))
    before = _digest(folder / "work")
    fault = _how_it_ends(reader, case)
    if not fault and _digest(folder / "work") != before:
        fault = "changed the files that were read"
    return f"{bad.name} {fault}" if fault else ""


def _try_pipes(reader: Reader, good: Sequence[Path], folder: Path) -> str:
    """Put a pipe that nobody writes to in place of each file; whoever waits for it is killed."""
    for path in good:
        for number in range(len(reader.damaged(path))):
            case = _place(path, path.parent, folder / "work")
            bad = reader.damaged(case)[number]
            bad.unlink()
            os.mkfifo(bad)
            (folder / "last").write_text(f"{bad} as a pipe")
            signal.alarm(PATIENCE_S)
            fault = _how_it_ends(reader, case)
            signal.alarm(0)
            shutil.rmtree(folder / "work")
            if fault:
                return f"{bad.name} as a pipe {fault}"
    return ""


def _place(good: Path, seeds: Path, work: Path) -> Path:
    """Copy a good file, or a folder of them, to where it is damaged."""
    work.mkdir()
    place = work / good.relative_to(seeds)
    if good.is_dir():
        shutil.copytree(good, place)
    else:
        shutil.copy(good, place)
    return place


def _how_it_ends(reader: Reader, path: Path) -> str:
    try:
        reader.read(path)
    except reader.refusals() as refusal:
        sentence = str(refusal)
        if not sentence or not sentence.isprintable():
            return f"was refused, but not in a sentence: {sentence!r}"
    except BaseException:
        return f"ended in a traceback\n{traceback.format_exc()}"
    return ""


def _leaves_nothing(folder: Path) -> int:
    """See that nothing is left behind, and nothing written where it should not be."""
    left = [str(path) for path in (folder / "tmp").rglob("*") if path.is_file()]
    outside = sorted(path.name for path in (folder / "outside").iterdir())
    whole = (folder / "outside" / "thesis.txt").read_bytes() == CANARY
    if left or outside != ["thesis.txt"] or not whole:
        print(f"left behind: {left}; outside there are {outside}")
        return 1
    return 0


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    with contextlib.redirect_stderr(sys.stdout):
        status = main(sys.argv[2:], Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(status)  # libraries that ran out of memory need not end in order
