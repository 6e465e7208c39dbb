-- Brand indicators (BIMI): where domains say that their logos are, as far as they were looked up. location: "" if there
-- is none. is_enforcing: whether the domain's policy (DMARC) is enforced. expires_at: until when that is to be used,
-- 0 where nothing is known yet. attempts: look-ups that failed since the last that did not; due_at: no other before
-- that. Times are Unix milliseconds.
CREATE TABLE bimi_record (
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    location TEXT NOT NULL,
    is_enforcing BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (domain, selector)
) WITHOUT ROWID;
CREATE INDEX bimi_record_by_expiry ON bimi_record (expires_at);

-- Contents that came in when nothing was known of the domain: their mails get the location once it is. is_enforced: the
-- policy need not be looked up. due_at: not before; who looks one up moves it on, so that another tries only if the
-- first has died.
CREATE TABLE bimi_waiting (
    account_id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    is_enforced BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, content_id)
) WITHOUT ROWID;
CREATE INDEX bimi_waiting_by_due ON bimi_waiting (due_at, domain, selector);
CREATE INDEX bimi_waiting_by_name ON bimi_waiting (domain, selector, account_id, content_id, is_enforced);

-- Logos, by the MD5 of their location, by which programs ask for them. logo: the SVG, NULL where there is none; problem
-- says why. due_at: when it is to be fetched; who fetches one moves it on. 2^62 where there is no need to.
CREATE TABLE bimi_logo (
    location_md5 TEXT NOT NULL PRIMARY KEY,
    location TEXT NOT NULL,
    logo BYTEA,
    problem TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX bimi_logo_by_due ON bimi_logo (due_at);
CREATE INDEX bimi_logo_by_expiry ON bimi_logo (expires_at);
