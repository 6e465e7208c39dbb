-- The full-text index. rowid = account_id << 32 | content_id; the text itself is not kept. It comes prepared, with
-- nothing left for a tokenizer but to split it at spaces. The body comes first because the index notes the column of
-- each word but of those in the first.

CREATE VIRTUAL TABLE fulltext USING fts5 (
    body, from_, to_, cc, bcc, subject, attachments, other,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii'
);

-- Each group of transactions leaves a segment. Merging 16 of them at a time writes each term fewer times than 4 do,
-- and costs a search no more than a look into some more segments.
INSERT INTO fulltext (fulltext, rank) VALUES ('automerge', 16);

-- When nothing else is to be done, what is there is merged as far as it goes.
INSERT INTO fulltext (fulltext, rank) VALUES ('usermerge', 2);

-- Two pages of the database are one of the index: less is lost where one ends. 8120 is what fits them.
INSERT INTO fulltext (fulltext, rank) VALUES ('pgsz', 8120);
