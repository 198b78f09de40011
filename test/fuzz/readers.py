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
    refusals: Callable[[], tuple[type[Exception], ...]] = lambda: (ValueError,)
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


def _bags(folder: Path) -> list[Path]:
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    from kpm_ros.replay.definitions import known_types
    from support import hostile_bags

    for storage in ("mcap", "sqlite3"):
        hostile_bags.bag_of_texts(folder / storage, storage, count=12, length=20)
    unfinished = folder / "unfinished.mcap"
    text = hostile_bags.message(5, hostile_bags.text_message("hello"))
    parts = (hostile_bags.channel(), text, hostile_bags.whole_chunk(text * 3), text)
    unfinished.write_bytes(hostile_bags.mcap(*parts))
    hostile_bags.with_a_log(folder / "log")
    hostile_bags.with_a_hot_journal(folder / "journal", count=60)
    made = [folder / name for name in ("mcap", "sqlite3", "unfinished.mcap", "log", "journal")]
    for mode in (CompressionMode.FILE, CompressionMode.MESSAGE, CompressionMode.STORAGE):
        made.append(folder / mode.name)
        writer = Writer(made[-1], version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(mode, CompressionFormat.ZSTD)
        with writer:
            topic = writer.add_connection("/text", hostile_bags.STRING, typestore=known_types())
            for stamp in range(9):
                writer.write(topic, stamp, hostile_bags.text_message(f"{stamp}"))
    return made


def _read_bag(path: Path) -> None:
    from kpm_ros.replay.bag_reader import BagReader

    with BagReader(path) as bag:
        assert all(count >= 0 for count in bag.counts.values())
        assert bag.span_ns is None or len(bag.span_ns) == 2
        for message in bag.messages():
            bag.decode(message)
        list(bag.messages(start_ns=5))


def _bag_errors() -> tuple[type[Exception], ...]:
    from kpm_ros.replay.bag import BagError

    return (BagError,)


READERS = {
    "bag": Reader(_bags, _read_bag, _bag_errors, ("rosbags",), usual=150),
    "emg_csv": Reader(_emg_csv, _read_emg_csv),
}
