-- Brand indicators (BIMI): where a domain says that its logo is, and the logo once it was fetched and found good.
-- location_md5: by which programs ask for it. logo: the SVG, NULL where there is none or it is no good. due_at: not to
-- be fetched before, Unix milliseconds.
CREATE TABLE bimi_logo (
    location_md5 TEXT NOT NULL PRIMARY KEY,
    location TEXT NOT NULL,
    logo BYTEA,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'good', 'bad')),
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX bimi_logo_by_due ON bimi_logo (due_at);

-- BIMI records of domains that were looked up, and what was found, until they expire. location '': there is none.
CREATE TABLE bimi_domain (
    domain TEXT NOT NULL PRIMARY KEY,
    location TEXT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
