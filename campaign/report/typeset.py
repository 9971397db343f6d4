"""Text of the page with indices and exponents as such."""

from __future__ import annotations

import re


def typeset(text: str) -> str:
    """Escaped, with indices and exponents as such: ML(DFT_EF), E_DFT, cm^-1."""
    from markupsafe import escape

    safe = str(escape(text))
    safe = re.sub(r"_(EF|E)\b", lambda found: f"<sub>{','.join(found[1])}</sub>", safe)
    safe = re.sub(r"\bE_([A-Z]\w*(?:\(T\))?)", r"E<sub>\1</sub>", safe)
    return safe.replace("cm^-1", "cm<sup>−1</sup>")
