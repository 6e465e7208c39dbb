-- How far the security log of an account has come, and the notice of it that is to be filed. Its events are numbered
-- without gaps; those up to told_event_id were told, or need not be. due_at: from when on a notice is to be filed, 0
-- for none. hour_began_at, told_in_hour: the notices filed of late, which are limited.
CREATE TABLE security_log (
    account_id BIGINT NOT NULL PRIMARY KEY,
    last_event_id BIGINT NOT NULL,
    told_event_id BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    hour_began_at BIGINT NOT NULL,
    told_in_hour BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX security_log_due ON security_log (due_at) WHERE due_at > 0;

-- Where the logins of an account came from, while that is remembered.
CREATE TABLE known_address (
    account_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

CREATE INDEX known_address_by_use ON known_address (account_id, last_seen_at);
