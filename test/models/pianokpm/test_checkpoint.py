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

"""Checkpoints of the published network: what is whole comes in the same, the rest is refused."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from kpm_ros.models.card import ModelCard
from kpm_ros.models.imported import convert_checkpoint, import_checkpoint
from kpm_ros.models.pianokpm.shapes import tensor_table
from kpm_ros.models.weight_files import ModelFileError, load_model
from support.models import light, listed


def published_state(card: ModelCard, tensors: dict) -> dict[str, torch.Tensor]:
    """Lay tensors out as a published checkpoint does, aliases included."""
    table = tensor_table(card)
    state = {spec.published: torch.from_numpy(tensors[name]) for name, spec in table.items()}
    aliases = {}
    for name, value in state.items():
        _, part, *rest = name.split(".")
        for alias, own in (("pose_tds", "pose_conv"), ("key_tds", "key_conv")):
            if part in (own, "tds_stages"):
                aliases[".".join(["network", alias, part[-1], *rest])] = value
    return state | aliases


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_published_checkpoint_is_imported(tmp_path, dtype, wrapped) -> None:
    card, tensors = light()
    state = {name: value.to(dtype) for name, value in published_state(card, tensors).items()}
    source, target = tmp_path / "net.pth", tmp_path / "net.safetensors"
    torch.save({"state_dict": state, "epoch": 3} if wrapped else state, source)
    convert_checkpoint(source, target, name="net", licence="MIT")
    read, loaded = load_model(target)
    assert (read.name, read.licence, read.architecture) == ("net", "MIT", card.architecture)
    assert (read.streams, read.muscles) == (card.streams, card.muscles)
    assert all(np.array_equal(loaded[name], tensors[name]) for name in tensors)


def test_what_a_checkpoint_takes_follows_from_its_shapes(tmp_path) -> None:
    for fields in (
        {"streams": listed(("top",), keys=0)},
        {"streams": listed((), keys=61)},
        {"streams": listed(("top", "right", "view3")), "muscles": ("muscle1", "muscle2")},
    ):
        card, tensors = light(**fields)
        torch.save(published_state(card, tensors), tmp_path / "net.pth")
        read, _ = import_checkpoint(tmp_path / "net.pth")
        for field, value in fields.items():
            assert getattr(read, field) == value


def test_views_may_be_named(tmp_path) -> None:
    card, tensors = light()
    torch.save(published_state(card, tensors), tmp_path / "net.pth")
    read, _ = import_checkpoint(tmp_path / "net.pth", views=("left", "front"))
    assert read.streams.views == ("left", "front")
    for views in (("left",), ("left", "front", "side")):
        with pytest.raises(ModelFileError, match="has shape"):
            import_checkpoint(tmp_path / "net.pth", views=views)
    with pytest.raises(ModelFileError, match="two streams named 'left'"):
        import_checkpoint(tmp_path / "net.pth", views=("left", "left"))


def test_weights_that_float16_would_change_stay_exact(tmp_path) -> None:
    card, tensors = light()
    fine = {name: array + np.float32(1e-6) for name, array in tensors.items()}
    torch.save(published_state(card, fine), tmp_path / "net.pth")
    convert_checkpoint(tmp_path / "net.pth", tmp_path / "net.safetensors")
    _, loaded = load_model(tmp_path / "net.safetensors")
    assert all(np.array_equal(loaded[name], fine[name]) for name in fine)


def test_a_damaged_checkpoint_is_refused_in_one_sentence(tmp_path) -> None:
    card, tensors = light()
    path = tmp_path / "net.pth"
    torch.save(published_state(card, tensors), path)
    whole = path.read_bytes()
    for size in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError) as refusal:
            import_checkpoint(path)
        assert "\n" not in str(refusal.value)
    with pytest.raises(ModelFileError, match="no checkpoint at"):
        import_checkpoint(tmp_path / "none.pth")


def test_a_checkpoint_of_another_network_is_refused(tmp_path) -> None:
    card, tensors = light()
    path, state = tmp_path / "net.pth", published_state(card, tensors)
    wrong = {
        "holds no PianoKPM Net and no network": {"layer.weight": torch.zeros(2)},
        "no table of named tensors": [torch.zeros(2)],
        "lacks the tensor": {k: v for k, v in state.items() if k != "decoder.mlp.3.bias"},
        r"has shape \(5,\)": state | {"decoder.mlp.3.bias": torch.zeros(5)},
        "has not": state | {"prior.weight": torch.zeros(5)},
        "not finite": state | {"decoder.mlp.6.bias": torch.full((6,), float("inf"))},
        "not a plain array": state | {"decoder.mlp.6.bias": torch.zeros(6, dtype=torch.int64)},
        "cannot be imported": state
        | {"network.key_conv.0.conv.0.weight": torch.zeros(1).expand(128, 10**9, 11)},
    }
    for words, content in wrong.items():
        torch.save(content, path)
        with pytest.raises(ModelFileError, match=words):
            import_checkpoint(path)


def test_a_checkpoint_that_would_fill_the_memory_is_refused(tmp_path) -> None:
    """By compression, by numbers that are repeated, or by copies that its program makes."""
    card, tensors = light()
    path, state = tmp_path / "net.pth", published_state(card, tensors)
    torch.save(state, path)
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(packed, "w") as other:
        for entry in whole.infolist():
            other.writestr(entry.filename, whole.read(entry), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match="are compressed"):
        import_checkpoint(packed)
    repeated = torch.zeros(1).expand(state["decoder.mlp.6.bias"].shape)
    torch.save(state | {"decoder.mlp.6.bias": repeated}, path)
    with pytest.raises(ModelFileError, match="repeats the numbers"):
        import_checkpoint(path)
    path.write_bytes(b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.")
    with pytest.raises(ModelFileError, match="something else than arrays"):
        import_checkpoint(path)


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_code_hidden_in_a_checkpoint_is_not_run(tmp_path) -> None:
    card, tensors = light()
    sprung, path = tmp_path / "sprung", tmp_path / "net.pth"
    for hide in (
        lambda: path.write_bytes(pickle.dumps(Trap(sprung), protocol=2)),
        lambda: torch.save(published_state(card, tensors) | {"more": Trap(sprung)}, path),
        lambda: torch.save({"trap": Trap(sprung)}, path, _use_new_zipfile_serialization=False),
    ):
        hide()
        with pytest.raises(ModelFileError, match="something other than tensors"):
            convert_checkpoint(path, tmp_path / "net.safetensors")
        assert not sprung.exists()
        assert not (tmp_path / "net.safetensors").exists()
