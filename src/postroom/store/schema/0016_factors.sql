-- 2-step verification of accounts that have, or had, to do with it. enabled_at: 0 while it is off. wrong: wrong codes
-- since the last right one, the last of them at wrong_at.
CREATE TABLE two_factor (
    account_id BIGINT NOT NULL PRIMARY KEY,
    enabled_at BIGINT NOT NULL,
    wrong BIGINT NOT NULL,
    wrong_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Codes that stand for a second step, each once; keyed hashes.
CREATE TABLE recovery_code (
    account_id BIGINT NOT NULL,
    code_hash BYTEA NOT NULL,
    PRIMARY KEY (account_id, code_hash)
) WITHOUT ROWID;

-- Sessions that wait for their second step, once one was wrong.
CREATE TABLE second_step (
    session_id BIGINT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    wrong BIGINT NOT NULL,
    begun_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX second_step_by_account ON second_step (account_id);
CREATE INDEX second_step_by_age ON second_step (begun_at);

-- Who has given the password once more, in a session, may change what concerns security for a while.
CREATE TABLE security_token (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    session_id BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX security_token_by_account ON security_token (account_id, session_id, expires_at);
CREATE INDEX security_token_by_expiry ON security_token (expires_at);

-- What was sent to who forgot a password: the token that stands in its place is live while its hash is here. tries:
-- wrong ones since. sent_since, sent_count: how many were sent since when.
CREATE TABLE password_recovery (
    account_id BIGINT NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    sent_since BIGINT NOT NULL,
    sent_count BIGINT NOT NULL
) WITHOUT ROWID;
