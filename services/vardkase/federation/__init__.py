"""What a node is made of on NATS: its streams now; keys, links and neighbours with federation."""
