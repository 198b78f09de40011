"""An earlier run's output is replaced; nothing else is."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

pytest.importorskip("honcho")

from honcho.printer import Message

from kpm_ros.operate.errors import UserError
from kpm_ros.operate.output_folder import OutputFolder


def test_what_an_earlier_run_left_is_replaced(tmp_path):
    first = OutputFolder(tmp_path / "demo")
    first.bag.mkdir()
    for name in ("metadata.yaml", "bag.mcap"):
        (first.bag / name).touch()
    first.log(Message("line", b"old\n", datetime.now(), "exo", None))
    first.write_summary({"old": True})
    (tmp_path / "demo" / "notes.txt").touch()
    second = OutputFolder(tmp_path / "demo")
    assert not second.bag.exists()
    assert not second.summary.exists()
    assert not (second.logs / "exo.log").exists()
    assert (tmp_path / "demo" / "notes.txt").exists()


def test_a_bag_folder_with_something_else_in_it_is_kept(tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag.mcap").touch()
    (tmp_path / "bag" / "thesis.txt").touch()
    with pytest.raises(UserError, match=r"thesis\.txt"):
        OutputFolder(tmp_path)
    assert (tmp_path / "bag" / "bag.mcap").exists()


def test_a_folder_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be used"):
        OutputFolder(tmp_path / "file" / "demo")


def test_each_process_has_its_log(tmp_path):
    folder = OutputFolder(tmp_path)
    for name in ("exo", "gesture", "exo"):
        folder.log(Message("line", f"hello from {name}\n".encode(), datetime.now(), name, None))
    folder.write_summary({"done": 1})
    assert (tmp_path / "logs" / "exo.log").read_text().count("hello from exo\n") == 2
    assert (tmp_path / "logs" / "gesture.log").read_text().count("\n") == 1
    assert json.loads(folder.summary.read_text()) == {"done": 1}
