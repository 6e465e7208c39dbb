-- The orders of lists of contacts: of one folder, and of all. They hold all that finding a page needs.
CREATE INDEX contact_by_name ON contact (account_id, folder_id, name_key, uid, item_id);
CREATE INDEX contact_by_email ON contact (account_id, folder_id, email_key, uid, item_id);
CREATE INDEX contact_by_name_anywhere ON contact (account_id, name_key, item_id, folder_id);
CREATE INDEX contact_by_email_anywhere ON contact (account_id, email_key, item_id, folder_id);
CREATE INDEX contact_by_change ON contact (account_id, folder_id, modseq, uid);
CREATE INDEX contact_by_change_anywhere ON contact (account_id, modseq, folder_id, uid);
CREATE INDEX contact_by_card ON contact (account_id, folder_id, card_uid, uid);
CREATE INDEX contact_with_avatar ON contact (account_id, name_key, item_id, email_key, folder_id) WHERE has_avatar = 1;

-- Pictures, apart from what lists read. content_type: image/png or image/jpeg.
CREATE TABLE contact_avatar (
    account_id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (account_id, item_id)
);

-- What contacts are found by as one types: the folded words of names, nicknames and addresses, each from where a word
-- begins. level: a small number that rises with the contact's uses, so that the words of the most used are together.
CREATE TABLE contact_word (
    account_id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    word BYTEA NOT NULL,
    level SMALLINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (account_id, item_id, word)
) WITHOUT ROWID;
CREATE INDEX contact_word_by_level ON contact_word (account_id, level, word, item_id, uses);

-- Which contacts have a word that begins with some letters (one byte, or two): a bit for each of 16,384 numbers of
-- contacts, from item_id = 16384 * span on, packed by zlib.
CREATE TABLE contact_letters (
    account_id BIGINT NOT NULL,
    letters BYTEA NOT NULL,
    span BIGINT NOT NULL,
    members BYTEA NOT NULL,
    PRIMARY KEY (account_id, letters, span)
);

CREATE INDEX folder_of_contacts ON folder (account_id, folder_id) WHERE folder_type = 'contacts';

-- contacts_modseq: of the last change of any contact. contacts_forgotten_modseq: of the last removal of a folder with
-- contacts, of which there are no tombstones.
ALTER TABLE mailbox ADD COLUMN contacts_modseq BIGINT NOT NULL DEFAULT 1;
ALTER TABLE mailbox ADD COLUMN contacts_forgotten_modseq BIGINT NOT NULL DEFAULT 0;

ALTER TABLE tombstone ADD COLUMN is_contact SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX tombstone_of_contact ON tombstone (account_id, modseq, folder_id, uid) WHERE is_contact = 1;
