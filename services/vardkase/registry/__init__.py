"""A kommun's register of points: from a file's rows to what is to be reported. No bus, no clock."""
