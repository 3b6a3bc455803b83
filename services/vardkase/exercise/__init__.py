"""Exercises: scenario files, playing their injects, refiling what was real after all, and the evaluation afterwards."""
