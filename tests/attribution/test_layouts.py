"""Cases: shapes that well-known networks give, and the grids that their papers state."""

import pytest
import torch
from torch import nn

from undula.attribution import first_tensor
from undula.attribution.layouts import Layout, arranged, patch_grid, read_layout
from undula.attribution.outputs import with_tensor

CASES = [
    ("ResNet, last stage", (2, 512, 7, 7), (224, 224), (7, 7), "first", 0),
    ("valid convolutions", (2, 16, 24, 30), (28, 34), (24, 30), "first", 0),
    ("one row", (2, 64, 1, 30), (16, 480), (1, 30), "first", 0),
    ("Swin, channels last", (2, 7, 7, 768), (224, 224), (7, 7), "last", 0),
    ("Swin, not square", (2, 5, 12, 96), (160, 384), (5, 12), "last", 0),
    ("ViT-B/16", (2, 197, 768), (224, 224), (14, 14), "tokens", 1),
    ("ViT without class token", (2, 196, 768), (224, 224), (14, 14), "tokens", 0),
    ("ViT-B/32, 384", (2, 145, 768), (384, 384), (12, 12), "tokens", 1),
    ("DeiT, distilled", (2, 198, 192), (224, 224), (14, 14), "tokens", 2),
    ("DINOv2 with registers", (2, 261, 384), (224, 224), (16, 16), "tokens", 5),
    ("DINOv2, not square", (2, 101, 384), (112, 168), (8, 12), "tokens", 5),
    ("patches that do not fit", (2, 21, 64), (43, 50), (4, 5), "tokens", 1),
    ("images made square inside", (2, 197, 768), (300, 200), (14, 14), "tokens", 1),
    ("tokens first", (197, 2, 768), (224, 224), (14, 14), "turned", 1),
    ("volume", (2, 8, 4, 5, 6), (16, 20, 24), (4, 5, 6), "first", 0),
    ("signal", (2, 16, 100), (400,), (100,), "first", 0),
    ("signal, recurrent", (2, 400, 16), (400,), (400,), "tokens", 0),
]


@pytest.mark.parametrize(
    ("shape", "space", "grid", "channels", "head"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_grids_are_found(shape, space, grid, channels, head):
    assert read_layout(shape, items=2, space=space) == Layout(grid, channels, head)


@pytest.mark.parametrize(
    ("module", "shape", "want"),
    [
        (nn.Conv1d(1, 100, 3), (2, 100, 98), Layout((98,), "first")),
        (nn.Sequential(nn.Conv1d(1, 4, 3), nn.Linear(4, 4)), (2, 50, 96), Layout((96,), "first")),
        (nn.LSTM(1, 50, batch_first=True), (2, 100, 50), Layout((100,), "tokens")),
        (nn.LSTM(1, 50), (100, 2, 50), Layout((100,), "turned")),
        (nn.LayerNorm(32), (2, 26, 32), Layout((25,), "tokens", 1)),
        (nn.LayerNorm(32), (2, 97, 32), Layout((97,), "tokens")),
        (nn.ReLU(), (2, 25, 98), Layout((98,), "first")),
    ],
)
def test_layers_say_where_signals_have_their_channels(module, shape, want):
    assert read_layout(shape, items=2, space=(100,), module=module) == want


@pytest.mark.parametrize(
    ("shape", "grid", "want"),
    [
        ((2, 213, 64), (14, 14), Layout((14, 14), "tokens", 17)),
        ((2, 768, 49), (7, 7), Layout((7, 7), "flat")),
        ((2, 7, 9, 7), (7, 9), Layout((7, 9), "last")),
        ((213, 2, 64), (14, 14), Layout((14, 14), "turned", 17)),
        ((2, 40, 64), (14, 14), None),
        ((2, 197, 64), (196,), None),
    ],
)
def test_a_known_grid_is_taken(shape, grid, want):
    assert read_layout(shape, items=2, space=(224, 224), grid=grid) == want


@pytest.mark.parametrize("shape", [(2, 512), (8, 49, 96), (2, 190, 64), (4, 16, 7, 7), (2, 0, 7, 7), (2,)])
def test_what_has_no_grid(shape):
    assert read_layout(shape, items=2, space=(224, 224)) is None


def test_a_prime_number_of_tokens():
    assert patch_grid(31, (40, 48)) == ((5, 6), 1)
    assert patch_grid(190, (224, 224)) is None


def test_arranged_positions_stay_where_they_are(generator, close):
    want = torch.randn(2, 6, 4, 5, generator=generator)
    head = torch.randn(2, 3, 6, generator=generator)
    tokens = torch.cat([head, want.flatten(2).mT], dim=1)
    for given, layout in [
        (want, Layout((4, 5), "first")),
        (want.movedim(1, -1), Layout((4, 5), "last")),
        (tokens, Layout((4, 5), "tokens", 3)),
        (tokens.transpose(0, 1), Layout((4, 5), "turned", 3)),
        (want.flatten(2), Layout((4, 5), "flat")),
    ]:
        close(arranged(given, layout), want)
    halves = arranged(want.bfloat16(), Layout((4, 5), "first"))
    assert halves.dtype == torch.float32
    both = arranged(torch.complex(want, -want), Layout((4, 5), "first"))
    close(both, torch.cat([want, -want], dim=1))


class Fields:
    """An output of no kind that is known."""


def test_the_tensor_that_counts_is_found_and_replaced():
    from collections import OrderedDict, namedtuple
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Output:
        loss: object = None
        hidden: object = None
        logits: object = None

    one, two, new = torch.ones(2), torch.zeros(2), torch.full((2,), 5.0)
    pair = namedtuple("pair", ["first", "logits"])
    for output in [
        one,
        (one, two),
        [None, one],
        {"aux": None, "out": one},
        OrderedDict(hidden=two, logits=one),
        {"x": two, "last_hidden_state": one},
        pair(two, one),
        Output(hidden=two, logits=one),
        (None, ((one, two), two)),
    ]:
        assert first_tensor(output) is one
        changed = with_tensor(output, new)
        assert type(changed) is type(output)
        assert first_tensor(changed) is new
        assert first_tensor(output) is one, "the output itself is not changed"
    assert first_tensor(Fields()) is None and first_tensor((None, {})) is None
    assert with_tensor(None, new) is None
