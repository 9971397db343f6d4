"""Published labels as they come: a file a format, and what all of them have in common.

Frames are counted from 0. Energies are eV per cell, lengths Å, forces eV/Å.
"""
