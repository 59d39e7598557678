"""Circuits, measured on multilane and on other state-vector simulators."""
