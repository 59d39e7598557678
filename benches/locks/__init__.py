"""Locks and channels: what `threading` and `queue` have, and multilane's."""
