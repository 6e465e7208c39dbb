-- The orders of lists of contacts: of one folder, and of all.
CREATE INDEX contact_by_name ON contact (account_id, folder_id, name_key, uid);
CREATE INDEX contact_by_email ON contact (account_id, folder_id, email_key, uid);
CREATE INDEX contact_by_name_anywhere ON contact (account_id, name_key, item_id);
CREATE INDEX contact_by_email_anywhere ON contact (account_id, email_key, item_id);
CREATE INDEX contact_by_change ON contact (account_id, folder_id, modseq);

-- What contacts are found by as one types: the folded words of names, nicknames and addresses, with how often something
-- was sent to the contact, so that the most used come first.
CREATE TABLE contact_word (
    account_id BIGINT NOT NULL,
    word TEXT NOT NULL,
    item_id BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (account_id, word, item_id)
) WITHOUT ROWID;
CREATE INDEX contact_word_by_item ON contact_word (account_id, item_id);
