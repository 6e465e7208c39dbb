-- Ways to reach a user besides the mailbox, and second steps. session_id: of the session that is setting it up, 0 once
-- it is activated. target: the address, the phone number or the secret of the authenticator, sealed; target_key: a keyed
-- hash by which it is found. last_step: the last time step whose code was used. code_hash: a keyed hash of the code that
-- was sent last and is not used yet, empty for none. sent_since, sent_count: how many codes were sent since when.
CREATE TABLE security_method (
    account_id BIGINT NOT NULL,
    method_id BIGINT NOT NULL,
    session_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'sms', 'authApp')),
    target TEXT NOT NULL,
    target_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    code_hash BYTEA NOT NULL,
    code_sent_at BIGINT NOT NULL,
    code_tries BIGINT NOT NULL,
    sent_since BIGINT NOT NULL,
    sent_count BIGINT NOT NULL,
    PRIMARY KEY (account_id, method_id)
) WITHOUT ROWID;
CREATE INDEX security_method_by_target ON security_method (target_key) WHERE session_id = 0;
CREATE INDEX security_method_pending ON security_method (created_at) WHERE session_id <> 0;

-- Passwords for programs, and tokens that read the unread counter alone. secret_hash: of random secrets, which need no
-- slow hash. scope: counters, read, all or badge.
CREATE TABLE access_token (
    account_id BIGINT NOT NULL,
    token_id BIGINT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('badge', 'counters', 'read', 'all')),
    name TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, token_id)
) WITHOUT ROWID;

-- What happened to the security of an account. client: the address it was done from, '' for none.
-- details: a JSON object. is_telling: a notice by mail is to tell of it.
CREATE TABLE security_event (
    account_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    happened_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    details TEXT NOT NULL,
    is_telling SMALLINT NOT NULL,
    PRIMARY KEY (account_id, event_id)
) WITHOUT ROWID;
