-- What it takes to write and send mail: drafts, uploads, the outgoing queue, absence notices, collected addresses.

-- What a draft (a mail with is_draft = 1) answers or forwards. refw_item_id: that mail's number, 0 where it is none.
CREATE TABLE draft (
    account_id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    refw_type TEXT NOT NULL CHECK (refw_type IN ('', 're', 'fw')),
    refw_item_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, item_id)
) WITHOUT ROWID;

-- Files that a session has uploaded to attach them; the content lies in the store of uploads under blob_name. Numbers
-- are exact in the numbers of JavaScript. draft_item_id: the draft that was saved with the file last, 0 for none.
CREATE TABLE temporary_attachment (
    account_id BIGINT NOT NULL,
    attachment_id BIGINT NOT NULL,
    session_id BIGINT NOT NULL,
    blob_name BYTEA NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content_id TEXT NOT NULL,
    is_inline SMALLINT NOT NULL CHECK (is_inline IN (0, 1)),
    size_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    draft_item_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, session_id, attachment_id)
) WITHOUT ROWID;
CREATE INDEX temporary_attachment_by_blob ON temporary_attachment (account_id, blob_name);

-- Blobs whose content was deleted: they are removed later, unless a content names them again. Unix milliseconds.
CREATE TABLE released_blob (
    account_id BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    released_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, sha256)
) WITHOUT ROWID;
CREATE INDEX released_blob_by_age ON released_blob (released_at);

-- The outgoing queue: a message on its way. processing_id is its number for clients and operators. sender: the
-- reverse-path, '' the null path. content_id: the message, a content of the account on which this row holds one
-- reference; its Bcc fields are left out when it goes. item_id: the copy in Sent or Scheduled, 0 for none.
-- refw_item_id, refw: the mail whose answered or forwarded flag this send has set, and the bits that were not set
-- before. release_at: nothing begins before (the end of the undo window; the scheduled time). started_at: when the
-- first attempt began, 0 before: from then on it cannot be taken back. finished_at: when the last recipient was
-- settled or the message was withdrawn, 0 before; a finished row is kept for some days. ret, envid: RFC 3461. message_key: made from the Message-ID of a message
-- about which other servers may report, 0 for others.
CREATE TABLE outgoing (
    processing_id BIGINT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sent', 'scheduled', 'submitted', 'vacation', 'receipt', 'notice')),
    sender TEXT NOT NULL,
    content_id BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    refw_item_id BIGINT NOT NULL,
    refw SMALLINT NOT NULL,
    needs_smtputf8 SMALLINT NOT NULL CHECK (needs_smtputf8 IN (0, 1)),
    is_8bit SMALLINT NOT NULL CHECK (is_8bit IN (0, 1)),
    ret TEXT NOT NULL CHECK (ret IN ('', 'FULL', 'HDRS')),
    envid TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    release_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    delay_told_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    message_key BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX outgoing_by_message ON outgoing (account_id, message_key, processing_id) WHERE message_key > 0;
CREATE INDEX outgoing_by_account ON outgoing (account_id, processing_id);
CREATE INDEX outgoing_unfinished ON outgoing (account_id) WHERE finished_at = 0;
CREATE INDEX outgoing_by_item ON outgoing (account_id, item_id) WHERE item_id > 0;
CREATE INDEX outgoing_by_end ON outgoing (finished_at) WHERE finished_at > 0;

-- The recipients of a message. notify: the words of NOTIFY, by commas ('' is the default); orcpt: as on the wire.
-- state: waiting, delivered (into a mailbox here), relayed (another server has taken it on), failed, or withdrawn.
-- status: the enhanced status code of the last answer; answer: its text. remote: the server that gave it. is_repeated: 1
-- from when the message is sent once more after a lapse (see below) until it is known how that ended.
CREATE TABLE outgoing_recipient (
    processing_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    destination TEXT NOT NULL,
    address TEXT NOT NULL,
    notify TEXT NOT NULL,
    orcpt TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'relayed', 'failed', 'withdrawn')),
    status TEXT NOT NULL,
    answer TEXT NOT NULL,
    remote TEXT NOT NULL,
    is_repeated SMALLINT NOT NULL CHECK (is_repeated IN (0, 1)),
    PRIMARY KEY (processing_id, number)
) WITHOUT ROWID;

-- The recipients of a message that go the same way, while some of them wait. destination: 'local', 'relay', or the
-- domain whose exchangers get it. leased_until: a runner works on the group until then, and renews that while it does.
-- lapses: attempts of which nobody knows how they ended, because their runner died or had to stop.
-- What is due is found by an index for mailboxes here and for the relay, and by one for all domains together.
CREATE TABLE outgoing_group (
    processing_id BIGINT NOT NULL,
    destination TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    failure TEXT NOT NULL,
    lapses BIGINT NOT NULL,
    PRIMARY KEY (processing_id, destination)
) WITHOUT ROWID;
CREATE INDEX outgoing_group_due ON outgoing_group (destination, next_try_at);
CREATE INDEX outgoing_group_due_elsewhere ON outgoing_group (next_try_at)
    WHERE destination NOT IN ('local', 'relay');

-- Absence notices: one row an account that has ever set one; times in Unix milliseconds, 0 where none is set.
CREATE TABLE vacation (
    account_id BIGINT NOT NULL PRIMARY KEY,
    is_enabled SMALLINT NOT NULL CHECK (is_enabled IN (0, 1)),
    age_days BIGINT NOT NULL,
    applies_always SMALLINT NOT NULL CHECK (applies_always IN (0, 1)),
    applies_to_external SMALLINT NOT NULL CHECK (applies_to_external IN (0, 1)),
    applies_to_internal SMALLINT NOT NULL CHECK (applies_to_internal IN (0, 1)),
    start_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;

-- Whom an absence notice has answered, and when last.
CREATE TABLE vacation_answered (
    account_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    answered_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;
CREATE INDEX vacation_answered_by_age ON vacation_answered (account_id, answered_at);

-- 1: the sender's wish for a read receipt (RFC 8098) is settled, by a receipt or by being read without one. It is the
-- content's, so that neither a copy nor marking a mail unread and read again makes a second receipt.
ALTER TABLE content ADD COLUMN is_receipted SMALLINT NOT NULL DEFAULT 0;

-- Contacts and distribution lists. A contact has a uid in its folder as a mail has; item_id names it wherever it is
-- moved. entered_modseq: when it came into this folder. name_key, email_key: what lists are sorted by. members: the
-- addresses of a distribution list, as JSON, '' for a contact. card_uid: the UID of its vCard. uses: how often something
-- was sent to it. has_avatar: its picture is in contact_avatar.
CREATE TABLE contact (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    entered_modseq BIGINT NOT NULL,
    is_list SMALLINT NOT NULL CHECK (is_list IN (0, 1)),
    name TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    nick_name TEXT NOT NULL,
    email TEXT NOT NULL,
    business_email TEXT NOT NULL,
    home_email TEXT NOT NULL,
    phone TEXT NOT NULL,
    organization TEXT NOT NULL,
    notes TEXT NOT NULL,
    members TEXT NOT NULL,
    card_uid TEXT NOT NULL,
    uses BIGINT NOT NULL,
    has_avatar SMALLINT NOT NULL CHECK (has_avatar IN (0, 1)),
    name_key BYTEA NOT NULL,
    email_key BYTEA NOT NULL,
    PRIMARY KEY (account_id, folder_id, uid)
);
CREATE UNIQUE INDEX contact_by_item ON contact (account_id, item_id);

-- The addresses of contacts in the form they are compared in, and how often and when last something was sent there.
CREATE TABLE contact_address (
    account_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    item_id BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, address, item_id)
) WITHOUT ROWID;
CREATE INDEX contact_address_by_item ON contact_address (account_id, item_id);
