-- Failed logins by name, known or not: the newest ones only. name_hash: so that what people type in the place of a name
-- is not kept.
CREATE TABLE failed_login (
    name_hash BYTEA NOT NULL,
    failed_at BIGINT NOT NULL,
    try_id BIGINT NOT NULL,
    PRIMARY KEY (name_hash, failed_at, try_id)
) WITHOUT ROWID;
CREATE INDEX failed_login_by_time ON failed_login (failed_at);

-- Captchas that were tried, right or wrong, until they would be too old anyway.
CREATE TABLE used_captcha (
    captcha_hash BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_captcha_by_expiry ON used_captcha (expires_at);
