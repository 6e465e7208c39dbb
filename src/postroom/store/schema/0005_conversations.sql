-- Conversations: the connected mails of an account, and the keys by which mails find each other.

-- A conversation. The counters are those of all its mails, wherever they are. first_date, first_item_id: its first
-- mail (the lowest date, then number). modseq: the last change of it or of one of its mails.
CREATE TABLE conversation (
    account_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    unread_items BIGINT NOT NULL,
    flagged_items BIGINT NOT NULL,
    draft_items BIGINT NOT NULL,
    attachment_items BIGINT NOT NULL,
    high_items BIGINT NOT NULL,
    normal_items BIGINT NOT NULL,
    first_date BIGINT NOT NULL,
    first_item_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, conversation_id)
) WITHOUT ROWID;

-- A conversation in a folder that has some of its mails: a row of the folder's list of conversations. total_items: of
-- its mails, those in the folder; date, uid: of the last of these (the highest date, then uid), from which sort_from and
-- sort_to are. sort_subject is that of the conversation's first mail; the other keys are the conversation's.
CREATE TABLE conversation_folder (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    date BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    is_unread SMALLINT NOT NULL CHECK (is_unread IN (0, 1)),
    is_flagged SMALLINT NOT NULL CHECK (is_flagged IN (0, 1)),
    importance SMALLINT NOT NULL,
    has_attachments SMALLINT NOT NULL CHECK (has_attachments IN (0, 1)),
    sort_subject BYTEA NOT NULL,
    sort_from BYTEA NOT NULL,
    sort_to BYTEA NOT NULL,
    PRIMARY KEY (account_id, folder_id, conversation_id)
);
CREATE INDEX conversation_folder_by_conversation ON conversation_folder (account_id, conversation_id);
CREATE INDEX conversation_folder_by_date ON conversation_folder (account_id, folder_id, date, conversation_id);
CREATE INDEX conversation_folder_by_subject
    ON conversation_folder (account_id, folder_id, sort_subject, date, conversation_id);
CREATE INDEX conversation_folder_by_from
    ON conversation_folder (account_id, folder_id, sort_from, date, conversation_id);
CREATE INDEX conversation_folder_by_to
    ON conversation_folder (account_id, folder_id, sort_to, date, conversation_id);
CREATE INDEX conversation_folder_by_unread
    ON conversation_folder (account_id, folder_id, is_unread, date, conversation_id);
CREATE INDEX conversation_folder_by_flagged
    ON conversation_folder (account_id, folder_id, is_flagged, date, conversation_id);
CREATE INDEX conversation_folder_by_importance
    ON conversation_folder (account_id, folder_id, importance, date, conversation_id);
CREATE INDEX conversation_folder_by_attachments
    ON conversation_folder (account_id, folder_id, has_attachments, date, conversation_id);

-- Who names a message: the mails whose Message-ID, In-Reply-To or References have it, under one base subject. key is a
-- hash of both.
CREATE TABLE reference_key (
    account_id BIGINT NOT NULL,
    key BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, key, item_id)
) WITHOUT ROWID;

-- Who takes part under a subject. key is a hash of a base subject and the address of a participant who is not the
-- account itself. is_reply: 1 for a reply that names no message, which joins what is near enough in time.
CREATE TABLE subject_key (
    account_id BIGINT NOT NULL,
    key BIGINT NOT NULL,
    is_reply SMALLINT NOT NULL CHECK (is_reply IN (0, 1)),
    date BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, key, is_reply, date, item_id)
) WITHOUT ROWID;

-- Folders that came into Spam or Trash, or out of them, whose mails are still to be parted from their conversations or
-- joined to some.
CREATE TABLE rethreaded_folder (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id)
) WITHOUT ROWID;
