-- The archive. One row for each message of a stream, but of reports one for each copy: the first arrival.
-- `stored_at` and `sequence`: when and where this node's stream stored the message. `data`: its bytes, unchanged.

-- Which copies of reports are in `report`. What is inserted here is inserted there, in the same transaction: the
-- uniqueness that a partitioned table cannot have by itself. `key` is made of the subject and the SHA-256.
CREATE TABLE report_key (
    key bytea NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (key)
) PARTITION BY HASH (key);

DO $$
BEGIN
    FOR part IN 0..7 LOOP
        EXECUTE format(
            'CREATE TABLE report_key_%s PARTITION OF report_key FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, part
        );
    END LOOP;
END $$;

-- Each copy of a report, by (reality, kommun, id, digest), with its first arrival here.
CREATE TABLE report (
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    reality text NOT NULL,
    kommun text NOT NULL,
    slug text NOT NULL,
    kind text NOT NULL,
    id text,
    digest bytea NOT NULL,
    received timestamptz,  -- Tp-Received: when it first arrived at any node
    origin text,           -- Tp-Origin: that node, and its place there
    observed timestamptz,
    source text,
    data bytea NOT NULL
) PARTITION BY RANGE (stored_at);
CREATE INDEX report_point ON report (kommun, slug, stored_at);
-- What decides which others count, and is rare.
CREATE INDEX report_rare ON report (kind, kommun) WHERE kind IN ('withdraw', 'retire', 'register');
CREATE INDEX report_stored ON report USING brin (stored_at) WITH (pages_per_range = 32, autosummarize = on);

-- Every change of every alert.
CREATE TABLE alert_change (
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    reality text NOT NULL,
    key text,
    alert_id text,
    rule text,
    rules_version text,
    level text,
    status text,
    cleared_reason text,
    raised_at timestamptz,
    changed_at timestamptz,
    point text,
    area_level text,
    area_code text,
    data bytea NOT NULL,
    PRIMARY KEY (stored_at, sequence)
) PARTITION BY RANGE (stored_at);
CREATE INDEX alert_change_key ON alert_change (key, stored_at);

-- When the state of a point changed, and how it then was in short. The state itself is folded from its reports.
CREATE TABLE state_change (
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    reality text NOT NULL,
    kommun text NOT NULL,
    slug text NOT NULL,
    version bytea,
    as_of timestamptz,
    lifecycle text,
    condition text,
    freshness text,
    link text,
    dark boolean,
    runs_out_at timestamptz,
    open_alerts integer,
    PRIMARY KEY (stored_at, sequence)
) PARTITION BY RANGE (stored_at);
CREATE INDEX state_change_point ON state_change (kommun, slug, stored_at);

-- Acts of people.
CREATE TABLE act (
    stream text NOT NULL,
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    reality text NOT NULL,
    kind text NOT NULL,
    place text NOT NULL,  -- the area in its subject: 24.2480, 24._
    id text,
    source text,
    area text,
    given_at timestamptz,
    role text,
    by_level text,
    by_code text,
    data bytea NOT NULL,
    PRIMARY KEY (stream, stored_at, sequence)
);
CREATE INDEX act_kind ON act (reality, kind, given_at);

-- Who read, who acted, what was refused.
CREATE TABLE audit (
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    reality text NOT NULL,
    area text,
    id text,
    at timestamptz,
    who text,
    role text,
    what text,
    subject text,
    outcome text,
    data bytea NOT NULL,
    PRIMARY KEY (stored_at, sequence)
) PARTITION BY RANGE (stored_at);

-- Refused reports: their bytes, and why.
CREATE TABLE rejected (
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    reality text NOT NULL,
    lan text,
    kommun text,
    slug text,
    reason text,
    field text,
    received timestamptz,
    origin text,
    data bytea NOT NULL,
    PRIMARY KEY (stored_at, sequence)
) PARTITION BY RANGE (stored_at);

-- What could not be put in its table: nothing is lost, and nothing after it waits.
CREATE TABLE misfit (
    stream text NOT NULL,
    stored_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    subject bytea NOT NULL,
    headers bytea NOT NULL,  -- JSON
    data bytea NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (stream, stored_at, sequence)
);

-- Tables of rules that this node judged by, each from the time it was first seen.
CREATE TABLE rule_table (
    since timestamptz NOT NULL,
    version text NOT NULL,
    digest bytea NOT NULL,
    document bytea NOT NULL,  -- YAML
    PRIMARY KEY (since)
);

-- How far each stream is archived. Written in the transaction that writes the rows. `born`: when the stream was made:
-- another one of the same name is read from its beginning.
CREATE TABLE position (
    stream text NOT NULL,
    born text NOT NULL,
    sequence bigint NOT NULL,
    stored_at timestamptz,
    PRIMARY KEY (stream)
);

-- A message as JSON; null when it is not, or holds what jsonb cannot (\u0000).
CREATE FUNCTION document(data bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN convert_from(data, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END $$;

-- An act that came by two streams, or was sent twice, is one.
CREATE VIEW one_act AS
    SELECT DISTINCT ON (reality, source, id) *, vardkase.document(data) -> 'data' AS said
    FROM vardkase.act ORDER BY reality, source, id, stored_at, stream;

-- Every order of a silence; of the same silence, ordered for the same area, the latest given is the one that holds.
CREATE VIEW silence AS
    SELECT reality, area, coalesce(said ->> 'id', id) AS silence, id, source, given_at, stored_at, role, by_level, by_code,
        said -> 'matcher' ->> 'rule' AS rule,
        said -> 'matcher' ->> 'point' AS point,
        said -> 'matcher' ->> 'area' AS matched_area,
        said ->> 'from' AS from_text,
        said ->> 'until' AS until_text,
        said ->> 'note' AS note
    FROM vardkase.one_act WHERE kind = 'silence';

-- Every override of rules; of a scope the latest given is the one that holds, null takes it away. The version of the
-- rules that an alert was judged by is in `alert_change`.
CREATE VIEW rule_override AS
    SELECT reality, area, said ->> 'scope' AS scope, id, source, given_at, stored_at, role, by_level, by_code,
        nullif(said -> 'override', 'null'::jsonb) AS override,
        said ->> 'note' AS note
    FROM vardkase.one_act WHERE kind = 'rules';
