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

"""Models: one folder for each architecture, one registry, the cards and files of all.

To add an architecture, make a folder here and write its name into `registry.FOLDERS`. The folder
holds, under the same names as in the others:

- `configuration.py`: a class derived from `architecture.Architecture`, and the tuple
  ARCHITECTURES with one of it for each variant. It says what users and cards call it, refuses
  cards that do not fit (`check`), lists the tensors (`shapes`) and makes everything below, which
  it imports where it is asked for it: nothing here may import torch or numba at once.
- `shapes.py`: the numbers that it is made of, and the tensors that follow from a card.
- `network.py`: the network in torch, from values (B, W, T) to effort (B, M, T), W being the columns
  of the card's streams; the names in its `state_dict()` are those of `shapes.py`.
- `stream.py`: a `streaming_network.StreamingNetwork`, which takes rows as they come and gives each
  effort once the card's look-ahead has passed. What is compiled stands in `kernels.py`, and
  `plan.py` arranges the weights for it. Without a stream (`live=False`) it takes recordings only.
- `batch.py`: whole recordings at once, on a device of torch. A `StreamedBatch` serves a stream that
  is as fast, `windowed.WindowedArchitecture` a network that sees whole windows.
- `initial_values.py`: what training begins with (`suit`), from examples of the training data.

A small one needs `configuration.py` and little else: see `test/models/test_registry.py`. Nothing
outside this room knows any architecture: it asks `registry.architecture_of(card)`.
"""
