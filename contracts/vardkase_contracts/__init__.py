"""Contracts of Vårdkase, version 1: events, subjects, areas, and what is published of them."""
