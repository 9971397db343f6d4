"""Pseudopotentials of Quantum ESPRESSO of which only the head is read."""

from __future__ import annotations


def upf(symbol: str, valence: float, functional: str = "SLA PZ NOGX NOGC") -> str:
    """A norm-conserving one of an element."""
    return f'<UPF version="2.0.1"><PP_HEADER element="{symbol}" pseudo_type="NC" functional="{functional}" z_valence="{valence}"/></UPF>'
