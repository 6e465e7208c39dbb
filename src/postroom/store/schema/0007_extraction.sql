-- Contents whose documents (PDF files and the like) are still to be read for the full-text index. due_at: not before,
-- in Unix milliseconds, 0 if at once; who reads one moves it on, so that another looks at it only if the first has died.
-- attempts: how often that was begun; it tells the attempts apart.
CREATE TABLE extraction (
    account_id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (account_id, content_id)
) WITHOUT ROWID;
CREATE INDEX extraction_due ON extraction (account_id, due_at, content_id);
