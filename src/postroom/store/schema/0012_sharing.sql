-- What others may do in a folder: letters of RFC 4314 without regard to order. reader_id 0: everybody.
CREATE TABLE folder_grant (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    reader_id BIGINT NOT NULL,
    letters TEXT NOT NULL,
    PRIMARY KEY (account_id, folder_id, reader_id)
) WITHOUT ROWID;
CREATE INDEX folder_grant_by_reader ON folder_grant (reader_id, account_id, folder_id);
