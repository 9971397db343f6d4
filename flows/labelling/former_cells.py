"""Label sets that an earlier version read: it took frames whose cells were off by up to 1 %, and said so in a warning.

The key of a label set has the content of its files, not the rule by which their cells are judged. A stored set whose
warning speaks of more than `flows.strain.LATTICE_TOLERANCE` is not used any more: its files are read again, under a key
with `CELLS` in it. All other sets are what they would be today, and keep their key.
"""

from __future__ import annotations

import re

from flows.records import LabelSet
from flows.strain import LATTICE_TOLERANCE

CELLS = 2
"""Of sets that are read otherwise than before; 1: of all others."""

_FORMER_WARNING = re.compile(r": cells differ by up to ([0-9.e+-]+) % from the training cell")


def was_read_at_another_lattice(label_set: LabelSet) -> bool:
    """Whether labels of a stored set are at another lattice constant than the crystal."""
    warnings = (warning for audit in label_set.audit.values() for warning in audit.warnings)
    found = filter(None, map(_FORMER_WARNING.search, warnings))
    return any(float(one[1]) > 100 * LATTICE_TOLERANCE for one in found)
