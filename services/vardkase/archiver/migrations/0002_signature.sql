-- What a copy of a report is signed with, as its header had it. Copies that differ in it alone are kept apart: one that
-- proves no origin must not keep out the one that does. See `report_key`.
ALTER TABLE report ADD COLUMN signature text;
