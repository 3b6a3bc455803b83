"""Streams of NATS JetStream: read, written and scanned so that nothing is lost, doubled or waited for without end."""
