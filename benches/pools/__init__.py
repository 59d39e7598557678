"""Task pools measured side by side; started by ``benches/run.py``."""
