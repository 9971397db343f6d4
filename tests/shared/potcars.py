"""POTCARs that are none: heads as VASP's have them, and a few numbers that mean nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

LEXCH = {"pbe": "PE", "lda": "CA"}
FOLDERS = {"PBE_54": "POT_GGA_PAW_PBE_54", "LDA_54": "POT_LDA_PAW_54"}


def potcar(element: str, symbol: str | None = None, functional: str = "pbe", valence: float = 4, enmax: float = 400) -> str:
    """The text of one; `symbol` as `Li_sv`."""
    name = symbol or element
    return f"""  PAW_{functional.upper()} {name} 01Jan2000
   {valence:.14f}
 parameters from PSCTR are:
   VRHFIN ={element}: of a test
   LEXCH  = {LEXCH[functional]}
   EATOM  =   100.0000 eV,    7.3500 Ry

   TITEL  = PAW_{functional.upper()} {name} 01Jan2000
   LULTRA =        F    use ultrasoft PP ?
   IUNSCR =        1    unscreen: 0-lin 1-nonlin 2-no
   LPAW   =        T    paw PP
   POMASS =   12.000; ZVAL   =   {valence:.3f}    mass and valenz
   ENMAX  =  {enmax:.3f}; ENMIN  =  {0.75 * enmax:.3f} eV

 END of PSCTR-controll parameters
 local part
  0.1 0.2 0.3
 End of Dataset
"""


def lay(folder: Path, family: str, symbol: str, text: str) -> Path:
    """One file as pymatgen lays them out: `POT_GGA_PAW_PBE_54/POTCAR.C.gz`."""
    path = folder / FOLDERS[family] / f"POTCAR.{symbol}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path
