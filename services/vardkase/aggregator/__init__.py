"""The aggregator: REPORTS → alerts, public, states and pictures, in that order, then the acknowledgement."""
