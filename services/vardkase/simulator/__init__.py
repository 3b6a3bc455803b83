"""The simulator: seeded storms that send the reports of thousands of points, to try everything else on."""
