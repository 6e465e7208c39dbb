-- The first schema. One text for both engines: times are BIGINT (milliseconds UTC, except mail.date: seconds),
-- truth values SMALLINT 0/1, sort keys BYTEA compared byte by byte. WITHOUT ROWID keeps the rows of a table in
-- its primary key on SQLite; PostgreSQL is given the statement without it.

-- Directory tables: small, they know all accounts.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE domain (
    name TEXT NOT NULL PRIMARY KEY,
    alias_of TEXT NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    account_id BIGINT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    class_name TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    password_hash TEXT NOT NULL,
    must_change_password SMALLINT NOT NULL CHECK (must_change_password IN (0, 1)),
    auth_version BIGINT NOT NULL,
    session_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    login_count BIGINT NOT NULL
) WITHOUT ROWID;

-- Every address an account answers to, its main address included; domain aliases are resolved before.
CREATE TABLE address (
    address TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('main', 'alias'))
) WITHOUT ROWID;
CREATE INDEX address_by_account ON address (account_id);

-- login: how it was made. stage: what it still waits for before it may do everything. is_remembered: it lasts longer,
-- and does not end for want of use. cookie_hash: of the cookie that every call must carry besides the token; empty
-- where there is none. has_passed: a second step was taken in it.
CREATE TABLE session (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    session_id BIGINT NOT NULL UNIQUE,
    account_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    is_first SMALLINT NOT NULL CHECK (is_first IN (0, 1)),
    sorts TEXT NOT NULL,
    login TEXT NOT NULL CHECK (login IN ('basic', 'bearer', 'cookie')),
    stage TEXT NOT NULL CHECK (stage IN ('full', 'second', 'setup')),
    is_remembered SMALLINT NOT NULL CHECK (is_remembered IN (0, 1)),
    cookie_hash BYTEA NOT NULL,
    has_passed SMALLINT NOT NULL CHECK (has_passed IN (0, 1))
) WITHOUT ROWID;
CREATE INDEX session_by_account ON session (account_id, last_used_at);
CREATE INDEX session_by_expiry ON session (expires_at);

-- Mailbox tables: every key begins with account_id, every query names one.

CREATE TABLE mailbox (
    account_id BIGINT NOT NULL PRIMARY KEY,
    modseq BIGINT NOT NULL,
    folders_modseq BIGINT NOT NULL,
    labels_modseq BIGINT NOT NULL,
    next_folder_id BIGINT NOT NULL,
    next_label_id BIGINT NOT NULL,
    next_content_id BIGINT NOT NULL,
    next_item_id BIGINT NOT NULL,
    forgotten_modseq BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL
) WITHOUT ROWID;

-- forgotten_modseq: removals from this folder up to here may be forgotten, their tombstones being too old.
-- is_threaded: its mails belong to conversations; not so in Spam, in Trash, below them, and where no mails are.
-- conversations: those that have a mail in it; conversations_modseq: the last change of one of them, wherever its
-- mails are.
CREATE TABLE folder (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    parent_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    folder_type TEXT NOT NULL,
    is_special SMALLINT NOT NULL CHECK (is_special IN (0, 1)),
    takes_subfolders SMALLINT NOT NULL CHECK (takes_subfolders IN (0, 1)),
    uid_validity BIGINT NOT NULL,
    next_uid BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    unread_items BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_modseq BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    content_modseq BIGINT NOT NULL,
    forgotten_modseq BIGINT NOT NULL,
    is_threaded SMALLINT NOT NULL CHECK (is_threaded IN (0, 1)),
    conversations BIGINT NOT NULL,
    conversations_modseq BIGINT NOT NULL,
    chunks_edition BIGINT NOT NULL DEFAULT 0,
    conversation_chunks_edition BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, folder_id),
    UNIQUE (account_id, parent_id, name_key)
) WITHOUT ROWID;

CREATE INDEX folder_by_role ON folder (account_id, role, folder_id) WHERE role <> '';

CREATE TABLE label (
    account_id BIGINT NOT NULL,
    label_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    total_items BIGINT NOT NULL,
    unread_items BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    PRIMARY KEY (account_id, label_id),
    UNIQUE (account_id, name_key)
);

-- The immutable message, once per account however often it is copied; refs counts the mails that show it.
-- data is the zstd-compressed raw message, NULL where it lies in the blob store. threading: what it is joined to
-- conversations by (model/thread.py), in MessagePack.
CREATE TABLE content (
    account_id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    size_bytes BIGINT NOT NULL,
    refs BIGINT NOT NULL,
    structure BYTEA NOT NULL,
    threading BYTEA NOT NULL,
    data BYTEA,
    PRIMARY KEY (account_id, content_id),
    UNIQUE (account_id, sha256)
);

-- item_id names the mail wherever it is moved. entered_modseq: when it came into this folder; replaced_modseq: when
-- it last got another content, 0 if never. conversation_id: 0 where it belongs to none.
CREATE TABLE mail (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    entered_modseq BIGINT NOT NULL,
    replaced_modseq BIGINT NOT NULL,
    date BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    is_unread SMALLINT NOT NULL CHECK (is_unread IN (0, 1)),
    is_flagged SMALLINT NOT NULL CHECK (is_flagged IN (0, 1)),
    is_draft SMALLINT NOT NULL CHECK (is_draft IN (0, 1)),
    is_deleted SMALLINT NOT NULL CHECK (is_deleted IN (0, 1)),
    refw SMALLINT NOT NULL,
    importance SMALLINT NOT NULL,
    has_attachments SMALLINT NOT NULL CHECK (has_attachments IN (0, 1)),
    labels TEXT NOT NULL,
    sort_subject BYTEA NOT NULL,
    sort_from BYTEA NOT NULL,
    sort_to BYTEA NOT NULL,
    summary BYTEA NOT NULL,
    conversation_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, uid)
);
CREATE UNIQUE INDEX mail_by_item ON mail (account_id, item_id);
-- Searches read where mails are, and in which order, from these two indexes alone.
CREATE INDEX mail_by_content ON mail (account_id, content_id, folder_id, date, item_id);
CREATE INDEX mail_by_conversation ON mail (account_id, conversation_id, date, item_id) WHERE conversation_id > 0;
CREATE INDEX mail_by_modseq ON mail (account_id, folder_id, modseq, uid);
CREATE INDEX mail_by_date ON mail (account_id, folder_id, date, uid, item_id, content_id);
CREATE INDEX mail_answered ON mail (account_id, folder_id, refw, uid) WHERE refw > 0;
CREATE INDEX mail_by_subject ON mail (account_id, folder_id, sort_subject, date, uid);
CREATE INDEX mail_by_from ON mail (account_id, folder_id, sort_from, date, uid);
CREATE INDEX mail_by_to ON mail (account_id, folder_id, sort_to, date, uid);
CREATE INDEX mail_by_size ON mail (account_id, folder_id, size_bytes, date, uid);
CREATE INDEX mail_by_unread ON mail (account_id, folder_id, is_unread, date, uid);
CREATE INDEX mail_by_flagged ON mail (account_id, folder_id, is_flagged, date, uid);
CREATE INDEX mail_by_importance ON mail (account_id, folder_id, importance, date, uid);
CREATE INDEX mail_by_attachments ON mail (account_id, folder_id, has_attachments, date, uid);

-- Counted chunks of each sort order of a large folder, so that any row is found without walking to it.
CREATE TABLE order_chunk (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    sort SMALLINT NOT NULL,
    low_key BYTEA NOT NULL,
    items BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, sort, low_key)
) WITHOUT ROWID;

-- What was removed, so that a delta can say so. uid 0 stands for the folder itself; entered_modseq: when it had come.
CREATE TABLE tombstone (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    entered_modseq BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    removed_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, uid)
) WITHOUT ROWID;
CREATE INDEX tombstone_by_modseq ON tombstone (account_id, folder_id, modseq, uid);
CREATE INDEX tombstone_by_age ON tombstone (account_id, removed_at);
CREATE INDEX tombstone_of_folder ON tombstone (account_id, modseq) WHERE uid = 0;

-- One row for each transaction that changed a mailbox: what was done and what is needed to take it back.
-- An operation of several transactions (a batch) has its history_id, the modseq of the first, in all of them; it is 0
-- where nobody did it, such as a delivery. What people see of an operation is in its first row alone: is_head, state,
-- folder_id (0 for none), mail_count, is_reversible, and is_stacked while it is on the undo stack of its session.
CREATE TABLE operation (
    account_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    done_at BIGINT NOT NULL,
    session_id BIGINT,
    kind TEXT NOT NULL,
    history_id BIGINT NOT NULL,
    is_head SMALLINT NOT NULL CHECK (is_head IN (0, 1)),
    is_stacked SMALLINT NOT NULL CHECK (is_stacked IN (0, 1)),
    is_reversible SMALLINT NOT NULL CHECK (is_reversible IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('', 'running', 'done', 'undone')),
    folder_id BIGINT NOT NULL,
    mail_count BIGINT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (account_id, modseq)
) WITHOUT ROWID;
CREATE INDEX operation_by_history ON operation (account_id, history_id, modseq) WHERE history_id > 0;
CREATE INDEX operation_shown ON operation (account_id, history_id) WHERE is_head = 1;
CREATE INDEX operation_stacked ON operation (account_id, session_id, modseq) WHERE is_stacked = 1;
