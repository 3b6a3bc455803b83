"""What the reporting form and the kommun desk ask, and the reports that the answers make. Pure: no bus, no clock.

A form shows old readings and never sends them again: what nobody touched says nothing. A section of `resources` is
replaced as a whole, so whoever touches one is asked for the rest of it: a new value, "samma", or "vet inte".
"""
