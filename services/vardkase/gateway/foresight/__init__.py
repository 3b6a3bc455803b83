"""What is foreseen, over HTTP: of a point, and of an area. Worked out when it is asked for, and never stored."""
