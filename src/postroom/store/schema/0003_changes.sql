-- What it takes to change a mailbox in more than one step: counters by folder and label, what a folder was before,
-- folders whose mails wait to be removed, jobs, remembered answers, settings, tickets and webhooks.

-- How many mails of a folder have a label, so that a folder goes at once, however many mails it holds.
CREATE TABLE folder_label (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    label_id BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    unread_items BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, label_id)
) WITHOUT ROWID;

-- Where a folder was before each change of its path; kept as long as tombstones are.
CREATE TABLE folder_past (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    parent_id BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id, modseq)
) WITHOUT ROWID;
CREATE INDEX folder_past_by_age ON folder_past (account_id, moved_at);
CREATE INDEX folder_past_by_modseq ON folder_past (account_id, modseq);

-- Folders that are gone from view, whose mails are still to be removed.
CREATE TABLE doomed_folder (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, folder_id)
) WITHOUT ROWID;

-- Labels that are gone, that mails still have. What folder_label counts of such a label is kept until none has it.
CREATE TABLE doomed_label (
    account_id BIGINT NOT NULL,
    label_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, label_id)
) WITHOUT ROWID;

CREATE INDEX mail_labelled ON mail (account_id, folder_id, uid, labels) WHERE labels <> '';

-- Work on many mails, slice by slice. A slice is removed by the transaction that does it. finished_at: 0 while it runs.
CREATE TABLE job (
    job_key TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    session_id BIGINT,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    history_id BIGINT NOT NULL,
    total_items BIGINT NOT NULL,
    done_items BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX job_by_account ON job (account_id, finished_at);
CREATE INDEX job_by_end ON job (finished_at, touched_at);

CREATE TABLE job_slice (
    job_key TEXT NOT NULL,
    number BIGINT NOT NULL,
    items BYTEA NOT NULL,
    PRIMARY KEY (job_key, number)
) WITHOUT ROWID;

-- What of a slice could not be done; number -1 stands for what was not there when the job began.
CREATE TABLE job_failure (
    job_key TEXT NOT NULL,
    number BIGINT NOT NULL,
    items BYTEA NOT NULL,
    PRIMARY KEY (job_key, number)
) WITHOUT ROWID;

-- Answers to calls with an Idempotency-Key, stored by the transaction of the call. status: 0 where there is none yet;
-- then the answer is that of the job, if one is named; -1 where the answer was not to be kept. headers: MessagePack.
CREATE TABLE remembered_call (
    account_id BIGINT NOT NULL,
    call_key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status SMALLINT NOT NULL,
    headers BYTEA NOT NULL,
    body BYTEA NOT NULL,
    job_key TEXT NOT NULL,
    called_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, call_key)
) WITHOUT ROWID;
CREATE INDEX remembered_call_by_age ON remembered_call (called_at);
CREATE INDEX remembered_call_by_account ON remembered_call (account_id, called_at);

-- What an account has set, as JSON; what it has not set has its default. ui and client: texts that programs keep with
-- an account, as JSON strings. "" where nothing is set.
CREATE TABLE account_setting (
    account_id BIGINT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL,
    ui TEXT NOT NULL,
    client TEXT NOT NULL
) WITHOUT ROWID;

-- Tickets for event streams, each good for one. auth_version: the account's, so that a changed password ends them.
-- stream_ends_at: when the credentials end that a ticket was made with, 0 for never; the stream ends with them.
CREATE TABLE event_ticket (
    ticket_hash BYTEA NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    session_id BIGINT,
    auth_version BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    scope TEXT NOT NULL,
    stream_ends_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX event_ticket_by_account ON event_ticket (account_id, expires_at);
CREATE INDEX event_ticket_by_expiry ON event_ticket (expires_at);

-- The secret of a hook is derived from the store's key and the nonce. kinds: separated by spaces. folder_id: 0 for all.
-- owner_id: whose operations are told: the account's own, or those of who shares the folder with it.
-- position: the modseq up to which the owner's operations have been told; told_at: when the last of them was done.
-- leased_until: a process works on the hook until then; 0 if none does. next_attempt_at: not before; 0 if at once.
-- The failure of a hook that is enabled is what went wrong last, of another why it was switched off.
CREATE TABLE webhook (
    webhook_id BIGINT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    folder_id BIGINT NOT NULL,
    nonce BYTEA NOT NULL,
    is_enabled SMALLINT NOT NULL CHECK (is_enabled IN (0, 1)),
    position BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    last_delivery_at BIGINT NOT NULL,
    failing_since BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    failure TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX webhook_by_account ON webhook (account_id, webhook_id);
CREATE INDEX webhook_by_owner ON webhook (owner_id, webhook_id);
CREATE INDEX webhook_due ON webhook (next_attempt_at) WHERE is_enabled = 1 AND next_attempt_at > 0;
