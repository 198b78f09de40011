"""Tries one reader on damaged files: python -m fuzz.child READER FOLDER."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import sys
import traceback
import warnings
from pathlib import Path

from fuzz.readers import READERS, Reader
from support.fuzzing import cases, mutated

MB = 1 << 20
SPARE_MB = 4000
"""Address space beyond what good files need: libraries reserve much of it and use little."""
MOST_GROWTH_MB = 700
"""Memory in use beyond that of the good files."""
CANARY = b"somebody else's"


def main(name: str, folder: Path) -> int:
    """Try all cases; the first that fails is told with its number."""
    reader = READERS[name]
    warnings.simplefilter("ignore")
    (folder / "outside").mkdir()
    (folder / "outside" / "thesis.txt").write_bytes(CANARY)
    seeds = folder / "good"
    seeds.mkdir()
    good = reader.make(seeds)
    for path in good:
        reader.read(path)
    used_mb = _peak_mb()
    limit = _address_space() + SPARE_MB * MB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number, random in cases(reader.usual, name):
        (folder / "last").write_text(f"{name} {number}")
        work = folder / "work"
        case = _place(random.choice(good), seeds, work)
        bad = random.choice(reader.damaged(case))
        bad.write_bytes(mutated(bad.read_bytes(), random))
        before = _digest(work)
        if not _ends_well(reader, case):
            kept = folder.parent / f"{name}-{number}"
            shutil.copytree(work, kept, dirs_exist_ok=True)
            print(f"case {number} of {name}, kept in {kept}: {bad.name}")
            return 1
        grown_mb = _peak_mb() - used_mb
        if grown_mb > MOST_GROWTH_MB:
            print(f"case {number} of {name} ({bad.name}) took {grown_mb:.0f} MB of memory")
            return 1
        if _digest(work) != before:
            print(f"case {number} of {name} ({bad.name}) changed the files that were read")
            return 1
        shutil.rmtree(work)
    return _leaves_nothing(folder, name)


def _place(good: Path, seeds: Path, work: Path) -> Path:
    """Copy a good file, or a folder of them, to where it is damaged."""
    work.mkdir()
    place = work / good.relative_to(seeds)
    if good.is_dir():
        shutil.copytree(good, place)
    else:
        shutil.copy(good, place)
    return place


def _ends_well(reader: Reader, path: Path) -> bool:
    try:
        reader.read(path)
        return True
    except reader.refusals() as refusal:
        sentence = str(refusal)
        if sentence.isprintable() and sentence:
            return True
        print(f"the refusal is no sentence: {sentence!r}")
    except BaseException:
        print(traceback.format_exc())
    return False


def _leaves_nothing(folder: Path, name: str) -> int:
    """See that nothing is left behind, and nothing written where it should not be."""
    left = [str(path) for path in (folder / "tmp").rglob("*") if path.is_file()]
    outside = sorted(path.name for path in (folder / "outside").iterdir())
    whole = (folder / "outside" / "thesis.txt").read_bytes() == CANARY
    if left or outside != ["thesis.txt"] or not whole:
        print(f"{name} left {left}, and outside there are {outside}")
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
        status = main(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(status)  # libraries that ran out of memory need not end in order
