"""Tells receivers outside (Alertmanager, webhooks) of the node's own alerts."""
