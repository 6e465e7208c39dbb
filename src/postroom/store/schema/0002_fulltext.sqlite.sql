-- The full-text index. rowid = account_id << 32 | content_id; the text itself is not kept.

CREATE VIRTUAL TABLE fulltext USING fts5 (
    from_, to_, cc, bcc, subject, body, other,
    content = '',
    contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);
