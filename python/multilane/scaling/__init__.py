"""What `multilane.scale` is made of: ways to run operations, the sweep over them, its result.

The native code measures and judges; these modules choose what is run and show what was found.
"""
