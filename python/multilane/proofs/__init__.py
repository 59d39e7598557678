"""Proofs of parallelism: fixed work, run in several ways, recorded and judged.

The order of reading is the order of a proof: `work` says what is run, `strategies` in which ways, `collect` runs them
interleaved and repeated, `proof` holds and shows the outcome. `builtin` is the set that `multilane prove` runs alone.
"""
