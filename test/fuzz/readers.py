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

"""Every reader of files that somebody else may have made, with good files to damage."""

from __future__ import annotations

import argparse
import contextlib
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
    usual: int = 100
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
    from kpm_ros.sense.emg.emg_csv import EmgCsv, EmgCsvConfig

    device = EmgCsv(EmgCsvConfig(str(path)))
    device.connect()
    device.read(10**18)
    device.read(10**18 + 10**9)


def _gesture_arrays(folder: Path) -> list[Path]:
    import numpy as np

    home = folder / "gestures"
    home.mkdir()
    np.savez(
        home / "person_1_day_1.npz",
        emg=np.zeros((4, 50, 2), np.float32),
        motion=np.array([1, 1, 2, 2]),
        trial=np.array([1, 2, 1, 2]),
    )
    return [home]


def _read_gesture_arrays(path: Path) -> None:
    from kpm_ros.learn.gestures.armband_files import read_armband

    read_armband(path)


def _gesture_models(folder: Path) -> list[Path]:
    from kpm_ros.learn.gestures.training import train
    from support.gestures import executions

    path = folder / "gestures.safetensors"
    train(executions(repetitions=3)).save(path)
    return [path]


def _read_gesture_model(path: Path) -> None:
    import numpy as np

    from kpm_ros.act.gestures.gesture_model import GestureModel

    model = GestureModel.load(path)
    windows = [np.zeros((1, each.window, len(each.channels))) for each in model.card.inputs]
    model.probabilities(model.measure(windows))


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


def _user_errors() -> tuple[type[Exception], ...]:
    from kpm_ros.operate.errors import UserError

    return (UserError, ValueError)


def _midi(folder: Path) -> list[Path]:
    import mido

    piece = mido.MidiFile(ticks_per_beat=480)
    notes = [mido.Message("note_on", note=60 + k, velocity=64, time=100) for k in range(20)]
    ends = [mido.Message("note_off", note=60 + k, time=9) for k in range(20)]
    tempo = mido.MetaMessage("set_tempo", tempo=400_000, time=5)
    pedal = mido.Message("control_change", control=64, value=127)
    sysex = mido.Message("sysex", data=range(20))
    piece.tracks.append(mido.MidiTrack([tempo, pedal, *notes, sysex, *ends]))
    piece.save(str(folder / "a.mid"))
    return [folder / "a.mid"]


def _read_midi(path: Path) -> None:
    from kpm_ros.sense.midi.midi_file import MidiFileConfig, MidiFilePlayer

    player = MidiFilePlayer(MidiFileConfig(str(path)))
    player.connect()
    player.read(10**18)
    player.read(10**18 + 10**8)


def _parameters(folder: Path) -> list[Path]:
    from kpm_ros.core.resources import config_dir

    path = folder / "pipeline.yaml"
    shown = (config_dir() / "pipeline.yaml").read_text().splitlines()
    path.write_text("\n".join(line for line in shown if not line.strip().startswith("#")))
    small = folder / "small.yaml"
    small.write_text("/**:\n  ros__parameters: &all {hop_s: 0.01, views: [top, right]}\n/x: *all\n")
    return [path, small]


def _read_parameters(path: Path) -> None:
    from kpm_ros.operate.preflight import read_parameters, settings_of

    table = read_parameters(path)
    for node in ("synchronizer", "inference", "exo"):
        settings_of(node, "kpm", table, {})


def _calibration(folder: Path) -> list[Path]:
    def matrix(rows: int, columns: int, values: Sequence[float]) -> str:
        return f"{{rows: {rows}, cols: {columns}, data: {list(values)}}}"

    path = folder / "top.yaml"
    path.write_text(
        "image_width: 640\nimage_height: 480\ncamera_name: top\ndistortion_model: plumb_bob\n"
        f"camera_matrix: {matrix(3, 3, (500, 0, 320, 0, 501, 240, 0, 0, 1))}\n"
        f"distortion_coefficients: {matrix(1, 5, (0.1, -0.2, 0, 0, 0))}\n"
        f"rectification_matrix: {matrix(3, 3, (1, 0, 0, 0, 1, 0, 0, 0, 1))}\n"
        f"projection_matrix: {matrix(3, 4, (500, 0, 320, 0, 0, 501, 240, 0, 0, 0, 1, 0))}\n"
    )
    return [path]


def _read_calibration(path: Path) -> None:
    from kpm_ros.sense.camera.camera_calibration import read_calibration

    read_calibration(path)


def _opensim(folder: Path) -> list[Path]:
    rows = "\n".join(f"{k / 10}\t{k}\t{-k}" for k in range(8))
    table, markers = folder / "a.mot", folder / "a.trc"
    table.write_text(f"Coordinates\ninDegrees=yes\nendheader\ntime\ta\tb\n{rows}\n")
    placed = "\n".join(f"{k}\t{k / 10}\t1\t2\t3" for k in range(8))
    head = "PathFileType\t4\nDataRate\tUnits\n100\tmm\nFrame#\tTime\tA\n\tX1\tY1\tZ1\n"
    markers.write_text(f"{head}{placed}\n")
    return [table, markers]


def _read_opensim(path: Path) -> None:
    from kpm_ros.simulate.exerciser.opensim_files import read_markers, read_table

    if path.suffix == ".trc":
        read_markers(path)
    else:
        read_table(path)


def _maxima(folder: Path) -> list[Path]:
    from kpm_ros.sense.emg.mvc import Mvc, MvcFolder

    return [MvcFolder(folder).save(Mvc("clara", "envelope", "uV", {"a": 1.5, "b": 2.5}))]


def _read_maxima(path: Path) -> None:
    from kpm_ros.sense.emg.mvc import MvcFolder

    MvcFolder(path.parent).load("clara")


def _splits(folder: Path) -> list[Path]:
    path = folder / "dataset_held_out.json"
    path.write_text('{"train": ["t1_p1_1.pkl", "emg/t1_p1_2.pkl"], "test": ["t1_p2_1"], "val": []}')
    return [path]


def _read_splits(path: Path) -> None:
    from kpm_ros.learn.recordings.split_files import read_splits

    read_splits(path, str)


def _containers(folder: Path) -> list[Path]:
    """A data set in our own container: a view with stamps, keys, and two recordings."""
    import numpy as np

    from kpm_ros.core.camera_model import Camera
    from kpm_ros.core.skeletons import find_skeleton
    from kpm_ros.core.streams import Landmarks, PianoKeys
    from kpm_ros.learn.recordings.container_writer import About, write_dataset
    from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth

    camera = Camera((64, 48), (50.0, 50.0, 31.5, 23.5), translation=(0.0, 0.0, 1.0))
    view = Landmarks("front", find_skeleton("fingertips"), camera=camera)
    keys = PianoKeys(count=3)
    frames, stamps_s = np.full((8, view.width), 0.5), np.arange(8) / 60
    series = (TimeSeries(view, frames, stamps_s=stamps_s), TimeSeries(keys, np.zeros((9, 3))))
    truth = Truth(("ADM", "PB"), "1", 100.0, np.ones((12, 2)))
    made = [Recording(name, "p1", "t1", name, series, truth) for name in ("a", "b")]
    about = About(name="small", simulated=True, people={"p1": "somebody"})
    return [write_dataset(folder / "set", about, made, {"train": ["a"], "test": ["b"]})]


def _read_container(path: Path) -> None:
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.recordings.on_grid import GridRecording

    dataset = open_dataset(path)
    for name in dataset.names:
        GridRecording(dataset.recording(name), dataset.streams, dataset.grid_rate_hz).window(0, 50)
    assert dataset.description.isprintable()
    assert len(dataset.fingerprint) == 64
    assert all(one.take for one in dataset.identities.values())


def _released_cameras(folder: Path) -> list[Path]:
    """Where the cameras of a simulated data set stood."""
    from kpm_ros.simulate.cameras import default_cameras
    from kpm_ros.simulate.release.files import as_json_bytes
    from kpm_ros.simulate.release.folder import calibration

    views = {camera.name: calibration(camera) for camera in default_cameras()}
    (folder / "set/simulated").mkdir(parents=True)
    content = as_json_bytes({"pianists": {"p1": views}})
    (folder / "set/simulated/cameras.json").write_bytes(content)
    return [folder / "set"]


def _read_released_cameras(path: Path) -> None:
    from kpm_ros.learn.recordings.released_cameras import read_released_cameras

    for views in read_released_cameras(path).values():
        assert all(camera.turn.shape == (3, 3) for camera in views.values())


def _mia_sets(folder: Path) -> list[Path]:
    """Windows in the layout of Muscles in Action, with all that may lie beside them."""
    from support.mia_sets import write_mia

    inner = write_mia(folder / "set", people=1, exercises=("Squat",), train=2, val=1)
    (inner / "channels.txt").write_text(
        "LQuad LHam LLat LBicep RQuad RHam RLat RBicep".replace(" ", "\n")
    )
    lists = inner / "generalizationpeople"
    lists.mkdir()
    for part, number in (("train", 0), ("val", 2)):
        line = f"MIADatasetOfficial/{part}/Subject0/Squat/{number}\n"
        (lists / f"{part}_Subject0.txt").write_text(line)
    (inner / "simulated").mkdir()
    manifest = '{"description": "small", "people": {"Subject0": "a"}, "tasks": {"Squat": "b"}}'
    (inner / "simulated" / "dataset.json").write_text(manifest)
    for path in inner.glob("*/*/*/*/*"):
        if path.stem in ("emgvaluesstd", "predcam"):
            path.unlink()
    return [folder / "set"]


def _read_mia_set(path: Path) -> None:
    import tempfile

    from kpm_ros.learn.recordings.mia_release import open_mia

    with tempfile.TemporaryDirectory() as cache:
        for word in ("", "generalizationpeople/Subject0"):
            dataset = open_mia(path, word, Path(cache))
            assert all(said.isprintable() for said in dataset.left_out.values())
            assert dataset.description.isprintable()
            assert len(dataset.fingerprint) == 64
            assert all(one.take for one in dataset.identities.values())


def _pickles(folder: Path) -> list[Path]:
    import pickle

    import numpy as np

    array = np.arange(40, dtype=np.float32).reshape(5, 8)
    made = []
    for protocol in range(6):
        made.append(folder / f"{protocol}.pkl")
        made[-1].write_bytes(pickle.dumps(array if protocol % 2 else [array, array * 2], protocol))
    return made


def _read_pickle(path: Path) -> None:
    from kpm_ros.learn.recordings.pickles import read_array

    read_array(path)


def _checkpoints(folder: Path) -> list[Path]:
    """Published weights, in both of torch's forms, and a training that was interrupted."""
    import torch

    from kpm_ros.learn.training.checkpoints import IDENTITY, PROGRESS

    first, last = torch.arange(80.0).reshape(1, 8, 10), torch.arange(6).half()
    state = {"net.network.key_conv.0.conv.0.weight": first, "net.decoder.mlp.6.bias": last}
    made = []
    for number, zipped in enumerate((True, False)):
        made.append(folder / f"{number}.pth")
        content = {"state_dict": state, "epoch": 3}
        torch.save(content, made[-1], _use_new_zipfile_serialization=zipped)
    kernel = torch.zeros(126, 1, 75, 9).half()
    body = {"conv1.weight": kernel, "out0.weight": torch.zeros(8, 128)}
    torch.save({"my_model": body, "train_args": argparse.Namespace(seed=100)}, folder / "2.pth")
    made.append(folder / "2.pth")
    run = folder / "run"
    run.mkdir()
    (run / "metrics.csv").write_text("step,epoch,loss\n1,0.1,0.5\n2,0.2,0.4\n")
    content = {IDENTITY: {"seed": 1}, PROGRESS: {"step": 2}, "state": torch.zeros(4)}
    torch.save(content, run / "last.ckpt")
    return [*made, run]


def _read_checkpoint(path: Path) -> None:
    from kpm_ros.learn.training.checkpoints import read_checkpoint
    from kpm_ros.learn.training.run_folder import RunFolder, read_metrics
    from kpm_ros.models.imported import import_checkpoint
    from kpm_ros.models.pianokpm.checkpoint import infer_card
    from kpm_ros.models.torch_checkpoints import read_state

    if path.is_dir():
        folder = RunFolder(path)
        read_metrics(folder.metrics)
        read_checkpoint(folder.checkpoint, {"seed": 1})
        return
    infer_card(read_state(path))
    with contextlib.suppress(ValueError):  # it is no whole network
        import_checkpoint(path)


def _models(folder: Path) -> list[Path]:
    import numpy as np
    from safetensors.numpy import save_file

    from kpm_ros.models.pianokpm.published import published_card

    path = folder / "a.safetensors"
    array = np.zeros((4, 2), np.float16)
    save_file({"features.bias": array, "x": array}, path, metadata=published_card().to_metadata())
    return [path]


def _read_model(path: Path) -> None:
    from kpm_ros.models.weight_files import load_tensors, read_card
    from kpm_ros.operate.model_info import describe

    text = describe(read_card(path), path)
    assert text.replace("\n", "").isprintable()
    load_tensors(path)


def _pictures(folder: Path) -> list[Path]:
    import cv2
    import numpy as np

    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (24, 32, 3), np.uint8)
    made = []
    for kind in ("png", "jpg", "bmp", "tiff", "webp"):
        made.append(folder / kind)
        made[-1].mkdir()
        for number in range(2):
            cv2.imwrite(str(made[-1] / f"{number}.{kind}"), picture)
    return made


def _read_pictures(path: Path) -> None:
    """A folder of which some pictures can be read is played, the others are counted."""
    import threading

    from kpm_ros.sense.camera.camera_device import CameraConfig, EndOfVideoError
    from kpm_ros.sense.camera.open_camera import make_source

    source = make_source(CameraConfig(str(path), fps=1_000.0))
    source.open()
    try:
        while source.read(threading.Event()):
            pass
    except EndOfVideoError:
        pass
    finally:
        source.close()


def _camera_errors() -> tuple[type[Exception], ...]:
    from kpm_ros.sense.camera.camera_device import CameraError

    return (CameraError, ValueError)


def _videos(folder: Path) -> list[Path]:
    import cv2
    import numpy as np

    made = []
    for name, code in (("a.avi", "MJPG"), ("b.mp4", "mp4v")):
        made.append(folder / name)
        writer = cv2.VideoWriter(str(made[-1]), cv2.VideoWriter_fourcc(*code), 500.0, (32, 16))
        for number in range(4):
            writer.write(np.full((16, 32, 3), number * 50, np.uint8))
        writer.release()
    return made


def _read_video(path: Path) -> None:
    import threading
    import time

    from kpm_ros.sense.camera.camera_device import CameraConfig, EndOfVideoError
    from kpm_ros.sense.camera.video import VideoFile

    stop = threading.Event()
    source = VideoFile(CameraConfig(str(path)))
    source.open()
    end = time.monotonic() + 1.0  # a damaged time may be days ahead
    threading.Timer(1.0, stop.set).start()
    try:
        while source.read(stop) and time.monotonic() < end:
            pass
    except EndOfVideoError:
        pass
    finally:
        source.close()


def _effort(folder: Path) -> list[Path]:
    import numpy as np

    arrays = {
        "stamps_ns": np.arange(9),
        "index": np.arange(9),
        "effort": np.zeros((9, 2), np.float32),
        "flags": np.zeros(9, np.uint16),
    }
    np.savez(folder / "a.npz", **arrays)
    np.savez_compressed(folder / "b.npz", **arrays)
    return [folder / "a.npz", folder / "b.npz"]


def _read_effort(path: Path) -> None:
    from kpm_ros.replay.effort import load_npz

    load_npz(path)


def _recordings(folder: Path) -> list[Path]:
    """Half a second of the simulated devices; this format has no checksums of messages."""
    from support import bags

    messages = bags.entries(bags.played(0.5))
    return [bags.write(folder / "recording", messages, storage="sqlite3")]


def _read_recording(path: Path) -> None:
    """Replay up to the network, which takes whatever the grid gives it."""
    from kpm_ros.align.aligner import Aligner
    from kpm_ros.align.aligner_config import AlignerConfig
    from kpm_ros.models.pianokpm.published import published_card
    from kpm_ros.replay.bag_reader import BagReader
    from kpm_ros.replay.calibration import read_hands_and_keys
    from kpm_ros.replay.offline import Replay
    from kpm_ros.replay.topics import TopicFinder

    card = published_card()
    read_hands_and_keys(path)
    with BagReader(path) as bag:
        inputs = TopicFinder(bag, "").inputs(card.streams)
        for _ in Replay(bag, card).align(
            inputs, Aligner(AlignerConfig(streams=card.streams, rate_hz=card.rate_hz))
        ):
            pass


def _series(folder: Path) -> list[Path]:
    from kpm_ros.learn.training.series import Member, Series

    splits = {"train": ("a", "b"), "val": ("c",), "test_cross_task": ("d",)}
    members = (Member("without-kick", splits, left_out="kick"), Member("01", splits, exercises=1))
    Series("leave-out", "exercise", "0" * 64, members, {"model": "ridge"}).write(folder / "runs")
    return [folder / "runs"]


def _read_series(path: Path) -> None:
    from kpm_ros.learn.training.series import read_series

    read_series(path).finished(path)


def _sessions(folder: Path) -> list[Path]:
    from dataclasses import replace

    from kpm_ros.core.session_file import Session, SignalCheck, Step

    steps = (Step("rest", "rest", 5.0, "Rest."), Step("mvc", "mvc", 5.0, "Press.", muscle="ADM"))
    session = Session("P07", "piano", steps, channels=("ADM",), parameters={"emg": {"rate": 1.5}})
    dead = SignalCheck("emg/samples", "dead", "ADM", "ADM is dead")
    take = replace(session.new_take(1), state="done", checks=(dead,), typical={"ADM": 3.5})
    session.with_take(take).write(folder / "session")
    return [folder / "session"]


def _read_session(path: Path) -> None:
    from kpm_ros.core.session_file import Session

    session = Session.read(path)
    assert session.next_step is None or session.new_take(session.next_step)
    assert len(session.maxima) <= len(session.steps) + len(session.resting) >= 0


def _protocols(folder: Path) -> list[Path]:
    from kpm_ros.core.resources import config_dir

    made = folder / "piano.yaml"
    made.write_bytes((config_dir() / "sessions" / "piano.yaml").read_bytes())
    return [made]


def _read_protocol(path: Path) -> None:
    from kpm_ros.operate.session_protocol import read_protocol

    protocol = read_protocol(path)
    for step in protocol.steps_for(["ADM", "L_1DI"]):
        assert step.name


def _archives(folder: Path) -> list[Path]:
    import numpy as np

    asked = np.int8([0, 0, *[1] * 30, 0, 0])
    made = folder / "p1.npz"
    emg, glove = np.ones((34, 2), np.float32), np.ones((34, 3), np.float32)
    np.savez(made, emg=emg, glove=glove, stimulus=asked, repetition=asked)
    return [made]


def _read_archive(path: Path) -> None:
    from kpm_ros.learn.importing.archives import Archive

    for recording in Archive(path, "p1").take().recordings:
        assert recording.duration_s > 0


def _xdf(folder: Path) -> list[Path]:
    import struct

    text = (
        b"<info><name>a</name><type>EMG</type><channel_count>1</channel_count>"
        b"<nominal_srate>100</nominal_srate><channel_format>float32</channel_format></info>"
    )
    rows = b"".join(b"\x08" + struct.pack("<df", k / 100, k) for k in range(40))
    contents = (
        (2, text),
        (3, b"\x01\x28" + rows),
        (4, struct.pack("<dd", 0.1, 0.2)),
        (3, b"\x01\x02" + b"\x00" * 10),
    )
    parts = [b"XDF:"]
    for tag, content in contents:
        body = struct.pack("<HI", tag, 1) + content
        parts.append(b"\x04" + struct.pack("<I", len(body)) + body)
    made = folder / "a.xdf"
    made.write_bytes(b"".join(parts))
    return [made]


def _read_xdf(path: Path) -> None:
    from kpm_ros.learn.importing.xdf import read_xdf

    for _, stream in read_xdf(path).streams:
        assert len(stream.samples) == len(stream.stamps_ns)


def _tables(folder: Path) -> list[Path]:
    made = folder / "angle_1.csv"
    made.write_text("\n".join(["time,a,b", *(f"{10 * k},{k}," for k in range(60))]))
    return [made]


def _read_table(path: Path) -> None:
    from kpm_ros.learn.importing.lab_files import read_table

    assert read_table(path, "uV", "ms").rate_hz > 0


def _topic_maps(folder: Path) -> list[Path]:
    made = folder / "topics.yaml"
    made.write_text(
        "emg: a\nchannels:\n"
        "  a: {topic: /a, samples: data, channels: [x], unit: uV, rate_hz: 100}\n"
        "views: {top: {topic: /hand, width: 640}}\nkeys: {piano: {topic: /notes}}\n"
    )
    return [made]


def _read_topic_map(path: Path) -> None:
    from kpm_ros.replay.topic_map import TopicMap

    assert TopicMap.read(path).channels


def _fingerings(folder: Path) -> list[Path]:
    path = folder / "page.abcd"
    path.write_text(
        "% abcD fingering 1: 1231x&21@54321&12\nX:1\nK:Dmaj\nV:1 treble\nV:2 bass octave=-1\n"
        'V:1\nL:1/16\n"^up"DEF=c|c4|:_B,d4|]\nV:2\nDEFG[K:clef=bass octave=-2] a4|DF,4|\n'
    )
    return [path]


def _read_fingering(path: Path) -> None:
    from kpm_ros.motion.published_fingerings import read_fingering

    read_fingering(path)


def _motion_models(folder: Path) -> list[Path]:
    from kpm_ros.learn.training.training_loop import tensors_of
    from kpm_ros.models.pianomotion.gesture import start_network
    from kpm_ros.models.pianomotion.motion_card import MotionCard
    from kpm_ros.models.pianomotion.motion_files import save_motion_model

    card = MotionCard(name="small", stage="position", sequence="ssm")
    save_motion_model(
        folder / "a.safetensors", card, tensors_of(start_network(card, 0).state_dict())
    )
    return [folder / "a.safetensors"]


def _read_motion_model(path: Path) -> None:
    from kpm_ros.models.pianomotion.motion_files import load_motion_model

    load_motion_model(path)


def _sounds(folder: Path) -> list[Path]:
    import numpy as np
    import soundfile

    made = [folder / f"a.{ending}" for ending in ("wav", "flac", "ogg", "mp3")]
    for path in made:
        soundfile.write(path, np.sin(np.arange(8000) / 10), 16_000)
    return made


def _read_sound(path: Path) -> None:
    from kpm_ros.sense.audio_file import read_audio

    assert len(read_audio(path, 0.1, 0.2)) > 0


def _motions(folder: Path) -> list[Path]:
    import numpy as np

    from kpm_ros.core.hand_motion import HandMotion, OneHandMotion

    hand = OneHandMotion(
        np.ones(4, bool),
        rotations=np.zeros((4, 16, 3), np.float32),
        place=np.zeros((4, 3), np.float32),
        shape=np.zeros(10, np.float32),
    )
    HandMotion(30.0, {"left": hand, "right": hand}, title="still").save(folder / "a.npz")
    return [folder / "a.npz"]


def _read_motion(path: Path) -> None:
    from kpm_ros.core.hand_motion import HandMotion

    HandMotion.load(path).resampled(60.0)


def _annotations(folder: Path) -> list[Path]:
    import json

    rows = [[1.0] + [0.1] * 61] * 3
    told = {"left": rows, "right": rows, "fps": 25, "adjust": [0, 0, 0], "start_frame": 5}
    (folder / "a.json").write_text(json.dumps(told))
    return [folder / "a.json"]


def _read_annotation(path: Path) -> None:
    from kpm_ros.motion.published_layout import read_annotation

    read_annotation(path, adjusted=True).resampled(30.0)


def _landmarks(folder: Path) -> list[Path]:
    """A hand's landmarks as a table, and as arrays."""
    import numpy as np

    from kpm_ros.simulate.hand import HAND_SKELETON

    points = np.random.default_rng(1).normal(0.0, 0.1, (20, 21, 3))
    names = [f"{point}_{axis}" for point in HAND_SKELETON.points for axis in "xyz"]
    rows = [[f"{k / 30:.3f}", *(f"{v:.4f}" for v in row.ravel())] for k, row in enumerate(points)]
    lines = [",".join(row) for row in [["time_s", *names], *rows]]
    (folder / "a.csv").write_text("\n".join(lines))
    np.savez(folder / "b.npz", right=points, rate_hz=30.0)
    return [folder / "a.csv", folder / "b.npz"]


def _read_landmarks(path: Path) -> None:
    from kpm_ros.motion.landmark_files import read_motion

    motion = read_motion(path)
    assert len(motion) > 0
    assert motion.hands


READERS = {
    "archive": Reader(_archives, _read_archive),
    "xdf": Reader(_xdf, _read_xdf),
    "table": Reader(_tables, _read_table),
    "topic_map": Reader(_topic_maps, _read_topic_map, libraries=("rosbags",), usual=40),
    "protocol": Reader(_protocols, _read_protocol, usual=40),
    "session": Reader(_sessions, _read_session),
    "bag": Reader(_bags, _read_bag, _bag_errors, ("rosbags",)),
    "recording": Reader(_recordings, _read_recording, _bag_errors, ("rosbags",), usual=40),
    "gesture_arrays": Reader(_gesture_arrays, _read_gesture_arrays, usual=40),
    "gesture_model": Reader(_gesture_models, _read_gesture_model, libraries=("sklearn",), usual=60),
    "emg_csv": Reader(_emg_csv, _read_emg_csv),
    "landmarks": Reader(_landmarks, _read_landmarks),
    "midi": Reader(_midi, _read_midi, libraries=("mido",)),
    "parameters": Reader(_parameters, _read_parameters, _user_errors),
    "calibration": Reader(_calibration, _read_calibration),
    "opensim": Reader(_opensim, _read_opensim),
    "maxima": Reader(_maxima, _read_maxima),
    "splits": Reader(_splits, _read_splits),
    "container": Reader(_containers, _read_container),
    "cameras": Reader(_released_cameras, _read_released_cameras),
    "mia_set": Reader(_mia_sets, _read_mia_set),
    "series": Reader(_series, _read_series),
    "pickle": Reader(_pickles, _read_pickle),
    "checkpoint": Reader(_checkpoints, _read_checkpoint, libraries=("torch",)),
    "model": Reader(_models, _read_model),
    "motion_model": Reader(_motion_models, _read_motion_model, libraries=("torch",), usual=30),
    "sound": Reader(_sounds, _read_sound, libraries=("soundfile",)),
    "pictures": Reader(_pictures, _read_pictures, _camera_errors, ("cv2",)),
    "video": Reader(_videos, _read_video, _camera_errors, ("cv2",), usual=20),
    "effort": Reader(_effort, _read_effort, _bag_errors),
    "fingering": Reader(_fingerings, _read_fingering),
    "motion": Reader(_motions, _read_motion),
    "annotation": Reader(_annotations, _read_annotation),
}

GROUPS = {
    "bags": ("bag", "recording", "topic_map"),
    "gestures": ("gesture_arrays", "gesture_model"),
    "senses": ("emg_csv", "midi", "sound", "effort", "opensim"),
    "motion": ("motion", "landmarks", "annotation"),
    "pictures": ("pictures", "video"),
    "settings": (
        "parameters",
        "calibration",
        "maxima",
        "protocol",
        "session",
        "splits",
        "fingering",
    ),
    "data sets": ("container", "cameras", "mia_set", "series", "archive", "xdf", "table"),
    "weights": ("pickle", "model", "motion_model", "checkpoint"),
}
"""Which are tried in one process, as loading what they need takes longer than reading."""
