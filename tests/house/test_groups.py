"""Tests of a file run in one process, or each process makes what is dear anew, and two start the real Slurm at once."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process: without -n 0")
def test_a_group_is_kept_together(request: pytest.FixtureRequest) -> None:
    """pytest-xdist writes the group behind the name of the test, and goes by that."""
    assert request.node.nodeid.endswith(f"@{request.node.path}")
