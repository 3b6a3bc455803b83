-- A database for the archive on a PostgreSQL of your own. Run once, as its administrator:
--
--   psql -v archiver_password="$ARCHIVER_PASSWORD" -v reader_password="$READER_PASSWORD" -f roles.sql
--
-- The archiver makes the schema `vardkase` and its tables by itself. Who only reads, is let read what it makes.

CREATE ROLE vardkase_archiver LOGIN PASSWORD :'archiver_password';
CREATE ROLE vardkase_reader LOGIN PASSWORD :'reader_password';
CREATE DATABASE vardkase OWNER vardkase_archiver ENCODING 'UTF8' TEMPLATE template0;
ALTER ROLE vardkase_archiver IN DATABASE vardkase SET search_path = vardkase;
ALTER ROLE vardkase_reader IN DATABASE vardkase SET search_path = vardkase;
ALTER ROLE vardkase_reader IN DATABASE vardkase SET default_transaction_read_only = on;

\connect vardkase
REVOKE ALL ON DATABASE vardkase FROM PUBLIC;
GRANT CONNECT ON DATABASE vardkase TO vardkase_reader;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE vardkase TO vardkase_archiver;
CREATE SCHEMA vardkase AUTHORIZATION vardkase_archiver;
GRANT USAGE ON SCHEMA vardkase TO vardkase_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE vardkase_archiver IN SCHEMA vardkase GRANT SELECT ON TABLES TO vardkase_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE vardkase_archiver IN SCHEMA vardkase GRANT EXECUTE ON FUNCTIONS TO vardkase_reader;
