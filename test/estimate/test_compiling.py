"""Compiled code of versions that nobody uses any more does not pile up."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from kpm_ros.estimate import compiling

DAY_S = 24 * 3600


@pytest.fixture
def base(tmp_path):
    return tmp_path


def add(base, number, days, name=""):
    folder = base / (name or f"{number:016x}")
    folder.mkdir()
    (folder / "kernels.hop.nbc").write_bytes(b"code")
    then = time.time() - days * DAY_S
    os.utime(folder, (then, then))
    return folder


def test_the_newest_few_and_those_used_lately_are_kept(base):
    used = add(base, 0, 400)
    folders = [add(base, 1 + n, days) for n, days in enumerate((90, 40, 50, 60, 29))]
    compiling.remove_unused(base, used)
    # The three newest others are 29, 40 and 50 days old.
    assert [folder.exists() for folder in folders] == [False, True, True, False, True]
    assert used.exists()


def test_many_that_were_used_lately_are_all_kept(base):
    folders = [add(base, n, 20) for n in range(8)]
    compiling.remove_unused(base, folders[0])
    assert all(folder.exists() for folder in folders)


def test_what_is_not_compiled_code_is_left_alone(base):
    others = [add(base, n, 400, name) for n, name in enumerate(("pianist", "0" * 15, "x" * 16))]
    for number in range(10, 14):
        add(base, number, 40)
    (base / f"{1:016x}").write_text("a file")
    compiling.remove_unused(base, base / "none")
    assert all(folder.exists() for folder in others)
    assert (base / f"{1:016x}").is_file()


def test_two_processes_that_remove_the_same_do_not_disturb_each_other(base, monkeypatch):
    folders = [add(base, n, 40 + n) for n in range(6)]
    remove = shutil.rmtree

    def after_another(path, **options):
        remove(path)
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", after_another)
    compiling.remove_unused(base, base / "none")
    assert [folder.exists() for folder in folders] == [True] * 3 + [False] * 3


def test_the_folder_in_use_is_marked_as_used(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling._config, "CACHE_DIR", str(tmp_path))
    folder = compiling._cache_folder()
    os.utime(folder, (0, 0))
    assert compiling._cache_folder() == folder
    assert time.time() - folder.stat().st_mtime < 3600
