"""Who could help whom, and in which order: problems and answers, pure; with scipy where one needs it."""
