"""The pure heart: reports are merged, judged and rolled up here. No I/O, no clock, no globals that change."""
