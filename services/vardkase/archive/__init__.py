"""Archive: what PostgreSQL holds, read: an area's picture at a time. The tables are the archiver's to write."""
