-- Search folders: what a search has found, kept for who asked, so that it is a list like that of any folder.

-- session_id: 0 for what was asked for without a session, which belongs to the account. turn: counts those of a
-- session; the lowest is the oldest. fingerprint: a hash of what was asked. modseq: the state of the mailbox that was
-- searched. changed_modseq: the newest search_change, or modseq. shows_discarded: mails in Spam and Trash are shown.
-- expires_at: 0 for what ends with its session.
CREATE TABLE search_folder (
    account_id BIGINT NOT NULL,
    search_id BIGINT NOT NULL,
    session_id BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL,
    modseq BIGINT NOT NULL,
    changed_modseq BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    shows_discarded SMALLINT NOT NULL CHECK (shows_discarded IN (0, 1)),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, search_id)
) WITHOUT ROWID;
CREATE INDEX search_folder_by_session ON search_folder (account_id, session_id, turn);

-- What was found: the numbers of the mails, newest first, packed (store/packing.py). It never changes.
CREATE TABLE search_content (
    account_id BIGINT NOT NULL,
    search_id BIGINT NOT NULL,
    items BYTEA NOT NULL,
    PRIMARY KEY (account_id, search_id)
);

-- Mails that were noticed to have gone from a search folder, or to be back in it, and when; packed.
CREATE TABLE search_change (
    account_id BIGINT NOT NULL,
    search_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    gone BYTEA NOT NULL,
    back BYTEA NOT NULL,
    PRIMARY KEY (account_id, search_id, modseq)
);
