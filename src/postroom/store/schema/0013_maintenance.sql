-- What looks after mailboxes by itself: visits, removal by age and at logout, notices that a mailbox is almost full.

-- When each mailbox is looked after next, about once a day; in Unix milliseconds.
CREATE TABLE mailbox_visit (
    account_id BIGINT NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX mailbox_visit_due ON mailbox_visit (next_at, account_id);
INSERT INTO mailbox_visit (account_id, next_at) SELECT account_id, 0 FROM mailbox;

-- Where the history of a mailbox stood at a time: what came into a folder by then is what entered it by modseq.
CREATE TABLE history_mark (
    account_id BIGINT NOT NULL,
    marked_at BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    PRIMARY KEY (account_id, marked_at)
) WITHOUT ROWID;

-- Folders of which those mails are to be removed that had entered by modseq. kind: of the operation.
CREATE TABLE folder_clearing (
    account_id BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (account_id, folder_id)
) WITHOUT ROWID;

-- That a mailbox has passed the threshold of its quota. told_at: 0 while the notice is still to be filed.
CREATE TABLE quota_notice (
    account_id BIGINT NOT NULL PRIMARY KEY,
    passed_at BIGINT NOT NULL,
    told_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX quota_notice_due ON quota_notice (told_at, account_id);
