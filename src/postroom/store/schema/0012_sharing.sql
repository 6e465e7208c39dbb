-- What others may do in a folder: rights of RFC 4314 in the order lrswikxtea. reader_id is an account, with no domain;
-- or 0 for everybody of a domain, and with no domain for everybody of the store.
CREATE TABLE folder_grant (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    reader_id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (account_id, folder_id, reader_id, domain)
) WITHOUT ROWID;
CREATE INDEX folder_grant_by_reader ON folder_grant (reader_id, domain, account_id, folder_id);
CREATE INDEX folder_grant_for_reader ON folder_grant (account_id, reader_id, domain, folder_id, rights);

-- What a reader has marked as seen, or as unseen again, in another's folder, and when. A mail without a row is unseen.
CREATE TABLE reader_mark (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    reader_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    is_seen SMALLINT NOT NULL CHECK (is_seen IN (0, 1)),
    modseq BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, uid, reader_id)
) WITHOUT ROWID;
CREATE INDEX reader_mark_by_modseq ON reader_mark (account_id, folder_id, reader_id, modseq, uid, is_seen);

-- How many mails of another's folder a reader has seen, and when that last changed.
CREATE TABLE folder_reader (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    reader_id BIGINT NOT NULL,
    seen_items BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, reader_id)
) WITHOUT ROWID;
CREATE INDEX folder_reader_states ON folder_reader (account_id, reader_id, folder_id, seen_items, modseq);
CREATE INDEX folder_reader_by_reader ON folder_reader (reader_id, account_id, folder_id);

-- 1: the folder has, or had, readers, so that what leaves it may have marks of theirs.
ALTER TABLE folder ADD COLUMN is_shared SMALLINT NOT NULL DEFAULT 0;
-- The last change of what others may do in an account's folders.
ALTER TABLE mailbox ADD COLUMN grants_modseq BIGINT NOT NULL DEFAULT 0;
-- Who has searched another's folders; 0: the account itself.
ALTER TABLE search_folder ADD COLUMN reader_id BIGINT NOT NULL DEFAULT 0;
