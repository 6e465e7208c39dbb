-- What an account has set of its filters; enabled_filters: a bit for each on/off filter, the first for number 1.
-- last_entry_id: the highest number that an entry of its lists ever had.
CREATE TABLE filter_setting (
    account_id BIGINT NOT NULL PRIMARY KEY,
    includes_address_book SMALLINT NOT NULL CHECK (includes_address_book IN (0, 1)),
    excludes_address_book SMALLINT NOT NULL CHECK (excludes_address_book IN (0, 1)),
    enabled_filters BIGINT NOT NULL,
    last_entry_id BIGINT NOT NULL
) WITHOUT ROWID;

-- White and black lists. pattern: an address, or a whole domain as @domain; pattern_key: the form it is compared in.
CREATE TABLE filter_entry (
    account_id BIGINT NOT NULL,
    entry_id BIGINT NOT NULL,
    list TEXT NOT NULL CHECK (list IN ('white', 'black')),
    pattern TEXT NOT NULL,
    pattern_key TEXT NOT NULL,
    PRIMARY KEY (account_id, list, entry_id),
    UNIQUE (account_id, pattern_key, list)
) WITHOUT ROWID;
