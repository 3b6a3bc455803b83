"""What every service stands on: settings, clock, logs, metrics, health, connections, processes. Knows no domain."""
