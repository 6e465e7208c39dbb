-- The full-text index: the same terms as in SQLite's, with their positions. A vector holds only so many of them, so that
-- a long text has several rows, by part.

CREATE TABLE fulltext (
    account_id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    part BIGINT NOT NULL,
    from_ TSVECTOR NOT NULL,
    to_ TSVECTOR NOT NULL,
    cc TSVECTOR NOT NULL,
    bcc TSVECTOR NOT NULL,
    subject TSVECTOR NOT NULL,
    body TSVECTOR NOT NULL,
    attachments TSVECTOR NOT NULL,
    other TSVECTOR NOT NULL,
    PRIMARY KEY (account_id, content_id, part)
);
CREATE INDEX fulltext_terms ON fulltext USING gin (from_, to_, cc, bcc, subject, body, attachments, other);

-- A list of numbers, given as JSON, as rows: the common SQL's name for what is json_each in SQLite.
CREATE FUNCTION numbers(list TEXT) RETURNS TABLE (value BIGINT) LANGUAGE sql IMMUTABLE ROWS 1000 AS
    'SELECT CAST(item AS BIGINT) FROM json_array_elements_text(CAST(list AS JSON)) AS item';
