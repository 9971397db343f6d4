"""The convolution by products of matrices is MACE's: messages and gradients, whatever the edges are."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[0, 1], ids=["scalars", "vectors"])
def product(request):
    """A product as MACE's interactions have them: of scalars alone, or with vectors; up to l = 3."""
    import mace.modules  # noqa: F401  before e3nn
    from e3nn import o3
    from mace.modules.irreps_tools import tp_out_irreps_with_instructions

    senders = o3.Irreps(["5x0e", "5x0e + 5x1o"][request.param])
    harmonics = o3.Irreps.spherical_harmonics(3)
    targets = o3.Irreps("5x0e + 5x1o + 5x2e + 5x3o")
    out, instructions = tp_out_irreps_with_instructions(senders, harmonics, targets)
    return o3.TensorProduct(
        senders, harmonics, out, instructions=instructions, shared_weights=False, internal_weights=False
    ).double()


@pytest.fixture(params=["uneven", "one-atom-alone", "none"])
def edges(request):
    """(2, edges) among seven atoms, in no order."""
    import torch

    torch.manual_seed(1)
    made = torch.randint(0, 7, (2, 40))
    return {"uneven": made, "one-atom-alone": made[:, made[1] != 6], "none": made[:, :0]}[request.param]


def test_messages_and_gradients_are_maces(product, edges):
    import torch
    from mace.tools.scatter import scatter_sum

    from flows.training.convolution import Convolution

    torch.manual_seed(3)
    count = edges.shape[1]
    inputs = [
        torch.randn(rows, width, dtype=torch.float64, requires_grad=True)
        for rows, width in [
            (7, product.irreps_in1.dim),
            (count, product.irreps_in2.dim),
            (count, product.weight_numel),
        ]
    ]
    features, harmonics, weights = inputs
    on_edges = product(features[edges[0]], harmonics, weights)
    theirs = scatter_sum(on_edges, edges[1], dim=0, dim_size=7)
    ours = Convolution(product, torch.float64)(*inputs, edges)
    upper = torch.randn_like(theirs)

    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    expected, found = (torch.autograd.grad(messages, inputs, upper) for messages in (theirs, ours))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_every_layer_of_a_trained_model_is_replaced(base_model):
    from flows.training.convolution import Convolution
    from flows.training.terms import Network

    network = Network(base_model.blob.content(), "float64", "cpu")

    assert [type(one.conv_tp) for one in network.model.interactions] == [Convolution] * 2


def test_a_product_of_another_kind_stays():
    import torch
    from e3nn import o3

    from flows.training.convolution import fuse

    other = o3.FullyConnectedTensorProduct("2x0e", "1x0e", "2x0e")
    model = torch.nn.Module()
    model.interactions = torch.nn.ModuleList([torch.nn.Module()])
    model.interactions[0].conv_tp = other
    fuse(model)

    assert model.interactions[0].conv_tp is other
