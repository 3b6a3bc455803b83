"""The one-line report: what is said over SMS, Rakel or telephone when there is no internet.

`TP SKARPT 0310 2480 17 O B42/80 P2 E11 S3/4 V1 N:FUEL`. `parse` takes it strictly, `normal` and `sentence` say it back,
`reports` makes ordinary reports of it. Pure: the time is an argument. On one page, in Swedish: `docs/enradsrapport.md`.
"""

from vardkase_contracts.oneline.parse import LONGEST, parse
from vardkase_contracts.oneline.reports import reports
from vardkase_contracts.oneline.said import normal, sentence
from vardkase_contracts.oneline.values import UNKNOWN, Line, LineError, Need

__all__ = ["LONGEST", "UNKNOWN", "Line", "LineError", "Need", "normal", "parse", "reports", "sentence"]
