"""MACE's convolution for CPUs: e3nn's tensor product and the sum over neighbours, as products of matrices.

This module imports torch: import it where networks are evaluated.

A path (l1, l2, l3) sends from atom j to atom n, in each channel c, Σ_i w_c h_ci Z_ik: w the edge's weights, h the
sender's features, Z_ik = Σ_m C_imk Y_m of the edge's spherical harmonics Y and Clebsch-Gordan coefficients C. e3nn
makes that of every edge, numbers of one, three or five side by side, and then sums. With the edges to one atom in
rows of their own, as many for each atom, it is one product of matrices over j and i together, and so is its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Path:
    """Which irreps a path takes of senders and of edges, and C as (2 l2 + 1, (2 l1 + 1) (2 l3 + 1))."""

    sender: int
    edge: int
    coefficients: Tensor


class Convolution(torch.nn.Module):
    """In the place of a `conv_tp`: messages (atoms, ...) from features of atoms, harmonics and weights of edges."""

    def __init__(self, product: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.channels = product.irreps_out[0].mul
        self.of_features = [irrep.dim for irrep in product.irreps_in1]
        self.of_harmonics = [irrep.dim for irrep in product.irreps_in2]
        self.paths = tuple(_paths(product, dtype))

    def forward(self, features: Tensor, harmonics: Tensor, weights: Tensor, edges: Tensor) -> Tensor:
        atoms, (senders, receivers) = len(features), edges
        rows, each = _rows(receivers, atoms)
        sent = self._sent(features, torch.zeros(atoms * each, dtype=torch.long).index_copy(0, rows, senders))
        y = _placed(harmonics, rows, atoms * each).split(self.of_harmonics, 1)
        w = _placed(weights, rows, atoms * each).split(self.channels, 1)
        messages = []
        for path, weight in zip(self.paths, w, strict=True):
            a = (sent[path.sender] * weight[:, None]).view(atoms, -1, self.channels)
            z = (y[path.edge] @ path.coefficients).view(atoms, a.shape[1], -1)
            messages.append(torch.bmm(z.transpose(1, 2), a).transpose(1, 2).flatten(1))
        return torch.cat(messages, 1)

    def _sent(self, features: Tensor, senders: Tensor) -> list[Tensor]:
        """(rows, 2 l + 1, channels) for each irrep: channels side by side, as the weights have them."""
        parts = features.split(self.of_features, 1)
        turned = (part.unflatten(1, (self.channels, -1)).transpose(1, 2).contiguous() for part in parts)
        return [part.index_select(0, senders) for part in turned]


class Twice(torch.nn.Module):
    """In the place of `conv_tp_weights`: weights of edges whose second half are the first turned around.

    They depend on the length of an edge alone, so its other direction has the same.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, lengths: Tensor) -> Tensor:
        weights = self.network(lengths[: len(lengths) // 2])
        return torch.cat([weights, weights])


def fuse(model: Any) -> None:
    """Let a MACE model on a CPU convolve in this way, where it can.

    Its edges must be in the order of `flows.training.terms.Neighbours`.
    """
    for interaction in model.interactions:
        if _fits(interaction.conv_tp):
            interaction.conv_tp = Convolution(interaction.conv_tp, next(model.parameters()).dtype)
            interaction.conv_fusion = True  # MACE's sign for a product that also sums
            interaction.conv_tp_weights = Twice(interaction.conv_tp_weights)


def _rows(receivers: Tensor, atoms: int) -> tuple[Tensor, int]:
    """A row for each edge, and how many rows each atom has: as many as the most edges to one."""
    counts = torch.bincount(receivers, minlength=atoms)
    each = max(1, int(counts.max()))
    order = torch.argsort(receivers, stable=True)
    before = (counts.cumsum(0) - counts)[receivers[order]]
    places = receivers[order] * each + torch.arange(len(order)) - before
    return torch.empty_like(order).index_copy(0, order, places), each


def _placed(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """Rows without an edge are zero."""
    return values.new_zeros(count, values.shape[1]).index_copy_(0, rows, values)


def _fits(product: Any) -> bool:
    return (
        all(ins.connection_mode == "uvu" and ins.has_weight for ins in product.instructions)
        and [ins.i_out for ins in product.instructions] == list(range(len(product.irreps_out)))
        and all(mul == 1 for mul, _ in product.irreps_in2)
        and len({mul for mul, _ in (*product.irreps_in1, *product.irreps_out)}) == 1
    )


def _paths(product: Any, dtype: torch.dtype) -> Iterator[Path]:
    """With the coefficients that the product itself has: what it makes of ones in its first channel."""
    for ins in product.instructions:
        sent, edge = product.irreps_in1[ins.i_in1].ir.dim, product.irreps_in2[ins.i_in2].ir.dim
        m, i = torch.cartesian_prod(torch.arange(edge), torch.arange(sent)).t()
        features = _ones(product.irreps_in1, ins.i_in1, i, dtype)
        harmonics = _ones(product.irreps_in2, ins.i_in2, m, dtype)
        made = product(features, harmonics, torch.ones(len(m), product.weight_numel, dtype=dtype))
        out = product.irreps_out.slices()[ins.i_out].start
        width = product.irreps_out[ins.i_out].ir.dim
        yield Path(ins.i_in1, ins.i_in2, made[:, out : out + width].reshape(edge, sent * width))


def _ones(irreps: Any, which: int, components: Tensor, dtype: torch.dtype) -> Tensor:
    """Rows of zeros, but for a one in that component of that irrep."""
    rows = torch.zeros(len(components), irreps.dim, dtype=dtype)
    rows[torch.arange(len(rows)), irreps.slices()[which].start + components] = 1
    return rows
