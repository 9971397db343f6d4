"""Where the paper's own labels lie, which are not ours to ship, and how to get them."""

from __future__ import annotations

import os
from pathlib import Path

PAPER = Path(os.environ.get("LATTICEFARM_TEST_PAPER") or Path(__file__).parents[3] / "shared" / "data" / "paper")
"""`LATTICEFARM_TEST_PAPER`, or a folder beside the checkout."""

HOW = (
    f"the paper's labels are not in {PAPER}: get them from https://github.com/waup-1/MLphononsdata, put 200221forcc*.xyz "
    "into a folder c and 200222forcc*.xyz into a folder lih beside it, and name the folder of both in LATTICEFARM_TEST_PAPER"
)
"""The reason of a skip."""
