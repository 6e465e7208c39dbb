-- Who an account is: the fields of its contact information.
CREATE TABLE profile (
    account_id BIGINT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    first_name TEXT NOT NULL,
    middle_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    suffix TEXT NOT NULL,
    personal_address TEXT NOT NULL
) WITHOUT ROWID;

-- The picture of an account, as it was made anew from what was uploaded.
CREATE TABLE avatar (
    account_id BIGINT NOT NULL PRIMARY KEY,
    media_type TEXT NOT NULL,
    data BYTEA NOT NULL
) WITHOUT ROWID;

-- Signatures, which clients insert. kind: html or text.
CREATE TABLE signature (
    account_id BIGINT NOT NULL,
    signature_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('html', 'text')),
    body TEXT NOT NULL,
    PRIMARY KEY (account_id, signature_id)
) WITHOUT ROWID;

-- Addresses that users make for a while, besides those in address. One works while expires_at (Unix milliseconds)
-- is ahead; its row stays long beyond, so that nobody else is given the address. account_id is 0 where the account
-- was removed.
CREATE TABLE temporary_alias (
    address TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    alias_id BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX temporary_alias_by_account ON temporary_alias (account_id, expires_at, alias_id);
CREATE INDEX temporary_alias_by_expiry ON temporary_alias (expires_at);

-- The passwords that an account had, as hashes, and since when (Unix milliseconds); the newest is the present one.
-- is_own: set by the owner of the account, not by the operator.
CREATE TABLE past_password (
    account_id BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    is_own SMALLINT NOT NULL CHECK (is_own IN (0, 1)),
    password_hash TEXT NOT NULL,
    PRIMARY KEY (account_id, set_at)
) WITHOUT ROWID;
