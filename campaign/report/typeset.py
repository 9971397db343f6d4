"""Text of the page with indices and exponents as such."""

from __future__ import annotations

import re


def typeset(text: str) -> str:
    """Escaped, with indices and exponents as such: ML(DFT_EF), E_DFT, cm^-1."""
    from markupsafe import escape

    safe = str(escape(text))
    safe = re.sub(r"_(EF|E|Γ)(?![A-Za-z0-9])", lambda found: f"<sub>{','.join(found[1])}</sub>", safe)
    safe = re.sub(r"\bE_((?:r2)?[A-Z]\w*(?:-D\d\w*)?(?:\(T\))?)", r"E<sub>\1</sub>", safe)
    return safe.replace("cm^-1", "cm<sup>−1</sup>")
