-- Ways to reach a user besides the mailbox, and second steps, once they are activated. target: the address, the phone
-- number or the secret of the authenticator, sealed. last_step: the last time step whose code was used.
CREATE TABLE security_method (
    account_id BIGINT NOT NULL,
    method_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'sms', 'authApp')),
    target TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    PRIMARY KEY (account_id, method_id)
) WITHOUT ROWID;

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
