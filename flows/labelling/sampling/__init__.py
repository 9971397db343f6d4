"""Which structures are labelled: rattled ones, frames of an MD through rising temperatures, and subsets of them."""
