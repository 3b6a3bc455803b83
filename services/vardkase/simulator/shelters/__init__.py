"""Real shelters of real disasters, told onto Swedish points: datasets shaped like FEMA's archived shelter feed."""
