-- The full-text index: the same terms as in SQLite's, with their positions.

CREATE TABLE fulltext (
    account_id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    from_ TSVECTOR NOT NULL,
    to_ TSVECTOR NOT NULL,
    cc TSVECTOR NOT NULL,
    bcc TSVECTOR NOT NULL,
    subject TSVECTOR NOT NULL,
    body TSVECTOR NOT NULL,
    other TSVECTOR NOT NULL,
    PRIMARY KEY (account_id, content_id)
);
CREATE INDEX fulltext_terms ON fulltext USING gin (from_, to_, cc, bcc, subject, body, other);
