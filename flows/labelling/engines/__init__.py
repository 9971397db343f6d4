"""Engines: the programs that compute labels. A room for each, and the small protocol that they keep.

An engine is its settings: frozen, part of the key of every label that it computes. A new engine is a room whose `settings` have a
subclass of `EngineSettings`, and a line in `flows.labelling.engines.known`.
"""
