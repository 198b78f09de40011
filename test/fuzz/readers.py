"""Every reader of files that somebody else may have made, with good files to damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reader:
    """One kind of file: how a good one is made, how it is read, and as what it may be refused."""

    make: Callable[[Path], Sequence[Path]]
    """Writes good files, or folders of them, into a folder."""
    read: Callable[[Path], object]
    refusals: tuple[type[Exception], ...] = (ValueError,)
    libraries: tuple[str, ...] = ()
    usual: int = 150
    """Cases of a usual run."""

    def damaged(self, case: Path) -> list[Path]:
        """List the files that may be damaged."""
        return [path for path in case.rglob("*") if path.is_file()] if case.is_dir() else [case]


def _emg_csv(folder: Path) -> list[Path]:
    rows = [f"{k / 1000},{k},{-k}" for k in range(60)]
    path = folder / "a.csv"
    path.write_text("\n".join(["time,a,b", *rows]))
    return [path]


def _read_emg_csv(path: Path) -> None:
    from kpm_ros.sense.emg_csv import EmgCsv, EmgCsvConfig

    device = EmgCsv(EmgCsvConfig(str(path)))
    device.connect()
    device.read(10**18)
    device.read(10**18 + 10**9)


READERS = {
    "emg_csv": Reader(_emg_csv, _read_emg_csv),
}
