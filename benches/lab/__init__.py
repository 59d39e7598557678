"""The lab: what it predicts held against real runs, and what its looking costs."""
