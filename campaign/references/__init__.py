"""Values from the literature, each with its source: what figures and tables hold a campaign against.

Nothing is here without a public source. Whoever has the journals' tables adds values of his own beside these.
"""

from campaign.references.match import references_of, spacegroup
from campaign.references.values import REFERENCES, Certainty, Reference

__all__ = ["REFERENCES", "Certainty", "Reference", "references_of", "spacegroup"]
