"""What runs out, or fills up, and when: by what is reported and by the trend, with how far to trust it. Pure."""
