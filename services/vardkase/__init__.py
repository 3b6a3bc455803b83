"""Vårdkase."""
