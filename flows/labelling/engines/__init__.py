"""Engines: the programs that compute labels. One file for each, and the small protocol that they keep.

An engine is its settings: frozen, part of the key of every label that it computes. A new engine is a file with a
subclass of `EngineSettings`, and a line in `flows.labelling.engines.known`.
"""
