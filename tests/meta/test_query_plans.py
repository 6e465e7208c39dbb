"""No statement reads more of a table than it needs, on either engine: each is explained, and exceptions are named.

PostgreSQL plans by what a table holds, so that its tables are filled and analysed first.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import postroom.store.sql
from postroom.store import Store, open_store
from postroom.store.engine.base import Connection
from postroom.store.engine.postgres import PostgresEngine

SCANS = {
    "directory._LIST_DOMAINS": "all domains are asked for; there are few",
    "labels.LIST_ACCOUNTS": "the few labels that are being taken off mails just now",
    "traces.LIST_ACCOUNTS": "the few folders whose mails are being removed just now",
    "traces.LIST_RETHREADED_ACCOUNTS": "the few folders whose mails are being threaded anew just now",
    "maintenance.LIST_CLEARED_ACCOUNTS": "the few folders that are being cleared just now",
    "directory._COUNT_ALIASES": "an administrator removes a domain; there are few domains",
    "directory._COUNT_ADDRESSES": "an administrator removes a domain",
    "outgoing._COUNT_WAITING": "a metric, counted once a minute",
    "extractions._COUNT_WAITING": "a metric, counted once a minute",
    "bimi._COUNT": "counted now and then, to bound what is kept",
    "bimi._COUNT_LOGOS": "counted now and then, to bound what is kept",
    "bimi._COUNT_WAITING": "counted to bound what waits, by whoever works on it",
}
"""Statements that may read a whole table, and why. This list may only shrink."""

SORTS = {
    "access_tokens._FIND": "one token, joined with its account",
    "access_tokens._LIST": "the app passwords and badge tokens of one account are bounded",
    "failed_logins._DELETE_EXPIRED": "a slice of the captchas that are too old",
    "failed_logins._DELETE_OLD": "a slice of the failed logins that are too old",
    "failed_logins._DELETE_BEYOND": "of a name a few are kept",
    "directory._LIST_ADDRESSES": "the few addresses of one account",
    "directory._LIST_TEMPORARY": "PostgreSQL may sort the few of one account",
    "directory._PURGE_TEMPORARY": "PostgreSQL may sort the slice that goes",
    "folders._LIST": "the folders of one account, all of them",
    "tickets._DELETE_OLDEST": "the few open tickets of one account",
    "contact_words._COMPLETE": "what was used often, of which there is little: the words of a level that begin so",
    "labels._COUNTS": "the labels of one account, all of them",
    "labels._LIST": "the labels of one account, all of them",
    "labels._LIST_OF_FOLDER": "the labels of one folder, all of them",
    "labels._LIST_DOOMED": "the few labels of one account that are being taken off mails",
    "traces._LIST_DOOMED": "the few folders of one account whose mails are being removed",
    "traces._LIST_RETHREADED": "the few folders of one account whose mails are being threaded anew",
    "conversations._RECOUNT": "the mails of one conversation",
    "conversations._LIST_MEMBERS": "PostgreSQL may sort the mails of one conversation",
    "conversations._FIRST": "PostgreSQL may sort the mails of one conversation",
    "profiles._LIST": "the few signatures of one account",
    "reader_recounts._RECOUNT": "a check counts all marks of readers in an account",
    "recounts._RECOUNT": "a check counts all mails of an account",
    "recounts._RECOUNT_CONTENTS": "a check counts all mails of an account",
    "recounts._RECOUNT_QUEUED": "a check counts all messages of an account in the queue",
    "recounts._RECOUNT_CONTACTS": "a check counts all contacts of an account",
    "mail_filters._BY_CONTENT": "what was found is put in order",
    "mail_filters._BY_CONTENT_FILTERED": "what was found is put in order",
    "mail_filters._BY_UID": "what was found is put in order",
    "operations._LIST_SHOWN": "PostgreSQL may sort the few of an account",
    "jobs._FIND_RUNNING": "PostgreSQL may sort the few that an account has running",
    "maintenance._LIST_DUE": "PostgreSQL may sort the few that are due",
    "jobs._PURGE": "PostgreSQL may sort the few that are finished",
    "outgoing._RECIPIENTS": "PostgreSQL may sort the recipients of one message",
    "outgoing._FIND_BY_ITEM": "PostgreSQL may sort the messages that have one copy",
    "outgoing._GROUPS": "PostgreSQL may sort the groups of one message",
    "orders._FOLDERS": "a check looks at all chunks of an account",
    "orders._LIST_EDGES": "all chunks of a folder are asked for; PostgreSQL may fetch them in another order",
    "orders._LIST": "all chunks of one order are asked for; PostgreSQL may fetch them in another order",
    "orders._LIST_DESCENDING": "all chunks of one order are asked for; PostgreSQL may fetch them in another order",
    "remembered_calls._PURGE": "a slice of the calls that are forgotten",
    "sessions._DELETE_EXPIRED": "a slice of the sessions that are over",
    "tickets._DELETE_EXPIRED": "a slice of the tickets that are over",
    "sessions._DELETE_OLDEST": "the sessions of one account are bounded by its class",
}
"""Statements that may sort or group rows themselves, and why. This list may only shrink."""

WHOLE_ACCOUNT = {
    "contents._LIST_REFERENCES": "a check looks at all contents of an account",
    "directory._LIST_ADDRESSES": "the addresses of one account are asked for",
    "directory._LIST_OWN": "the addresses of one account are asked for",
    "outgoing._COUNT_UNFINISHED": "what an account has waiting is bounded by its class",
    "directory._DELETE_ALIAS": "the few addresses of one account",
    "directory._DELETE_ADDRESSES": "an account is removed",
    "directory._DELETE_HASHES": "an account is removed",
    "directory._FORGET_HASHES": "stops after the passwords that its class remembers",
    "directory._LIST_HASHES": "stops after the passwords that its class remembers",
    "directory._RECORD_HASH": "the newest password of one account",
    "sessions._DELETE_OTHERS": "all sessions of an account but one are ended",
    "remembered_calls._DROP_BEYOND": "the oldest of one account's calls, which are bounded by its class",
    "released_blobs._REMOVE": "an account is removed",
    "contacts._COUNT": "the counters of all folders of contacts",
    "contacts._LIST_PICTURED": "the contacts with pictures are gone through",
    "contacts._PAGES": "a page of the list of all contacts, in its order",
    "contact_changes._FIND_ANYWHERE": "the counters of all folders of contacts",
    "contact_changes._LIST_ANYWHERE": "the few folders that are being removed are passed over",
    "feeds._CONTACT_FOLDERS": "the positions of all folders of contacts are asked for",
    "feeds._FOLDERS": "the figures of all folders are asked for",
    "folders._LIST": "all folders are asked for",
    "folders._COUNTS": "all folders are asked for",
    "lost_history._LEAP_FOLDERS": "a store was restored: all folders go on with other numbers",
    "lost_history._RENEW_SEARCHES": "a store was restored: all search folders are told apart from those before",
    "labels._COUNTS": "all labels are asked for",
    "extractions._COUNT": "what is still to be done of an account is counted",
    "indexing._COUNT": "what is still to be done of an account is counted",
    "tickets._DELETE_OLDEST": "the few open tickets of one account",
    "labels._LIST": "all labels are asked for",
    "labels._LIST_OF_FOLDERS": "a check looks at the counters of all folders and labels",
    "labels._LIST_DOOMED": "the few labels of one account that are being taken off mails",
    "labels._LIST_FOLDERS": "the counters of one account, at most one for each folder and label",
    "labels._DELETE_OF_LABEL": "the counters of one account, at most one for each folder and label",
    "recounts._RECOUNT": "a check counts all mails of an account",
    "recounts._RECOUNT_CONTENTS": "a check counts all mails of an account",
    "recounts._RECOUNT_QUEUED": "a check counts all messages of an account in the queue",
    "recounts._RECOUNT_CONTACTS": "a check counts all contacts of an account",
    "reader_recounts._COUNTED": "a check looks at all readers of an account",
    "reader_recounts._RECOUNT": "a check counts all marks of readers in an account",
    "reader_recounts._STRAYED": "a check counts all marks of readers in an account",
    "recounts._STRANDED": "a check looks at all messages of an account in the queue",
    "recounts._LABELLED": "a check looks at all labelled mails of an account",
    "operations._LIST_BURIED_ALIVE": "a check looks at all tombstones of an account",
    "operations._LIST_SHOWN": "stops after a page of the newest; with a filter it may read what history keeps",
    "operations._COUNT_SHOWN": "what an account did in the time that history is kept is counted",
    "operations._OLDEST_AT": "stops at the oldest entry",
    "maintenance._NEWEST_MARK": "stops at the newest mark",
    "maintenance._LIST_CLEARINGS": "the few folders of one account that are being cleared",
    "maintenance._PUT_OFF": "the one row of an account",
    "maintenance._FORGET_NOTICE": "the one row of an account",
    "maintenance._NOTICE_DUE": "the one row of an account",
    "maintenance._QUOTA_TOLD": "the one row of an account",
    "operations._PURGE": "stops after a slice of the oldest entries",
    "orders._FOLDERS": "a check looks at all chunks of an account",
    "removals._FIRST": "an account is removed",
    "removals._MAILS": "an account is removed, a slice at a time",
    "removals._CONTENTS": "an account is removed, a slice at a time",
    "removals._UPLOADS": "an account is removed, a slice at a time",
    "removals._CHUNKS": "an account is removed, a slice at a time",
    "removals._TOMBSTONES": "an account is removed, a slice at a time",
    "removals._OPERATIONS": "an account is removed, a slice at a time",
    "removals._CALLS": "an account is removed, a slice at a time",
    "removals._CONTACT_WORDS": "an account is removed, a slice at a time",
    "removals._CONTACT_LETTERS": "an account is removed, a slice at a time",
    "contact_words._LIST_SETS": "a check looks at all sets of an account",
    "contact_words._DELETE_SETS": "a repair makes all sets of an account anew",
    "removals._FILTER_ENTRIES": "an account is removed, a slice at a time",
    "removals._OUTGOING": "an account is removed, a slice at a time",
    "removals._CONTACTS": "an account is removed, a slice at a time",
    "removals._CONTACT_AVATARS": "an account is removed, a slice at a time",
    "removals._CONTACT_ADDRESSES": "an account is removed, a slice at a time",
    "removals._CONVERSATIONS": "an account is removed, a slice at a time",
    "removals._PRESENCES": "an account is removed, a slice at a time",
    "removals._REFERENCES": "an account is removed, a slice at a time",
    "removals._SUBJECTS": "an account is removed, a slice at a time",
    "bimi._REMOVE_WAITING": "an account has been removed",
    "removals._ANSWERED": "an account is removed, a slice at a time",
    "removals._EXTRACTIONS": "an account is removed, a slice at a time",
    "removals._MARKS": "an account is removed, a slice at a time",
    "removals._READERS": "an account is removed, a slice at a time",
    "removals._OTHERS": "the statements above",
    "filters._FIND": "one row an account",
    "filters._STANDING": "one row an account, and look-ups by key",
    "profiles._FIND": "one row an account",
    "profiles._FIND_AVATAR": "one row an account",
    "profiles._DELETE_AVATAR": "one row an account",
    "profiles._LIST": "the few signatures of one account",
    "settings._FIND_UI": "one row an account",
    "settings._FIND_CLIENT": "one row an account",
    "thread_recounts._LIST_MAILS": "a check looks at all mails of an account",
    "thread_recounts._LIST_THREADINGS": "a check looks at all messages of an account",
    "thread_recounts._LIST_REFERENCES": "a check looks at all keys of an account",
    "thread_recounts._LIST_SUBJECTS": "a check looks at all keys of an account",
    "thread_recounts._LIST_CONVERSATIONS": "a check looks at all conversations of an account",
    "thread_recounts._LIST_PRESENCES": "a check looks at all conversations of an account",
    "traces._LIST_DOOMED": "the few folders of one account whose mails are being removed",
    "traces._LIST_RETHREADED": "the few folders of one account whose mails are being threaded anew",
    "vacations._FIND": "one row an account",
    "vacations._FORGET_ALL": "an account sets its notice anew",
    "vacations._NTH_NEWEST": "stops after the answers that an account gives in a day",
    "webhooks._LIST": "an account has few webhooks",
    "webhooks._STATES_OF": "an account has few webhooks",
    "factors._LIST": "the methods of one account are bounded",
    "factors._DELETE_ALL": "the methods of one account are bounded",
    "factors._DELETE_CODES": "the recovery codes of one account",
    "factors._FIND_STATE": "one row an account",
    "factors._SET_ENABLED": "one row an account",
    "factors._SET_WRONG": "one row an account",
    "security_tokens._DELETE_PASSWORDS": "the app passwords of one account are bounded",
    "security_tokens._PUT_RECOVERY": "one row an account",
    "security_tokens._TRY_RECOVERY": "one row an account",
    "security_tokens._USE_RECOVERY": "one row an account",
    "access_tokens._LIST": "the app passwords and badge tokens of one account are bounded",
    "security_events._LAST": "one row an account",
    "security_events._OLDEST": "stops at the oldest event",
    "security_events._NEWEST_BEFORE": "the events of one account are bounded",
    "security_events._SET_DUE": "one row an account",
    "security_events._NOTICE": "one row an account",
    "security_events._PUT_OFF": "one row an account",
    "security_events._SET_TOLD": "one row an account",
    "security_events._HAS_ADDRESSES": "stops at the first address",
    "security_events._NTH_ADDRESS": "the known addresses of one account are bounded",
    "sessions._COUNT": "the sessions of one account are bounded by its class",
    "sessions._DELETE_OF_ACCOUNT": "all sessions of an account are ended",
    "sessions._DELETE_OLDEST": "the sessions of one account are bounded by its class",
}
"""Statements that may go through all rows of an account, and why. This list may only shrink."""

FILL = """
INSERT INTO mailbox SELECT a, 1, 1, 1, 20, 1, 1, 1, 0, 0, 0 FROM generate_series(1, 100) a;
INSERT INTO account SELECT a, 'user' || a, '', 'default', 'en', 'active', '', 0, 1, 1, 0, 0
    FROM generate_series(1, 1000) a;
INSERT INTO past_password SELECT a, n, 0, '' FROM generate_series(1, 300) a, generate_series(1, 20) n;
INSERT INTO security_event SELECT a, n, n, 'passwordChanged', '', '{}', n % 2
    FROM generate_series(1, 100) a, generate_series(1, 300) n;
INSERT INTO security_log SELECT a, 300, 0, a / 1950 * a, 0, 0 FROM generate_series(1, 2000) a;
INSERT INTO known_address SELECT a, 'address' || n, n FROM generate_series(1, 200) a, generate_series(1, 60) n;
INSERT INTO security_method
    SELECT a, n, n % 2, 'email', '', (a * 100 + n)::text::bytea, n, 0, 0, '', 0, 0, 0, 0
    FROM generate_series(1, 1000) a, generate_series(1, 10) n;
INSERT INTO two_factor SELECT a, 0, 0, 0 FROM generate_series(1, 1000) a;
INSERT INTO recovery_code SELECT a, n::text::bytea FROM generate_series(1, 1000) a, generate_series(1, 10) n;
INSERT INTO second_step SELECT n, n % 500, 1, n FROM generate_series(1, 9000) n;
INSERT INTO security_token SELECT n::text::bytea, n % 500, n, n FROM generate_series(1, 9000) n;
INSERT INTO password_recovery SELECT a, '', 0, 0, 0, 0 FROM generate_series(1, 1000) a;
INSERT INTO access_token SELECT a, n, 'all', '', (a * 1000 + n)::text::bytea, 0, 0
    FROM generate_series(1, 100) a, generate_series(1, 50) n;
INSERT INTO address SELECT 'user' || a, a, 'main' FROM generate_series(1, 1000) a;
INSERT INTO domain SELECT 'domain' || a, '', 0 FROM generate_series(1, 20) a;
INSERT INTO session SELECT a::text::bytea, a, a % 500, 0, a, a, 0, '', 'basic', 'full', 0, '', 0
FROM generate_series(1, 2000) a;
INSERT INTO failed_login SELECT (a % 9000)::text::bytea, a, a FROM generate_series(1, 20000) a;
INSERT INTO used_captcha SELECT a::text::bytea, a FROM generate_series(1, 20000) a;
INSERT INTO folder SELECT a, f, 1, f, f, '', 'mails', 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1
    FROM generate_series(1, 100) a, generate_series(2, 12) f;
INSERT INTO label SELECT a, f, f, f, 0, 0, 1 FROM generate_series(1, 100) a, generate_series(1, 10) f;
INSERT INTO content SELECT a, c, (a * 1000 + c)::text::bytea, 100, 1, ''::bytea, ''::bytea, ''::bytea
    FROM generate_series(1, 20) a, generate_series(1, 200) c;
INSERT INTO mail SELECT a, 2 + u % 3, u, u, u % 200, u, u, 0, u, u, u % 2, u % 2, 0, 0, 0, u % 3, u % 2, '',
                        (u % 77)::text::bytea, (u % 77)::text::bytea, (u % 77)::text::bytea, ''::bytea, u / 3
    FROM generate_series(1, 20) a, generate_series(1, 400) u;
INSERT INTO order_chunk SELECT a, f, s, n::text::bytea, 700
    FROM generate_series(1, 4) a, generate_series(2, 4) f, generate_series(0, 8) s, generate_series(1, 100) n;
INSERT INTO conversation SELECT a, c, 1, 3, 0, 0, 0, 0, 0, 3, c, c
    FROM generate_series(1, 20) a, generate_series(1, 130) c;
INSERT INTO reference_key SELECT a, u, u FROM generate_series(1, 20) a, generate_series(1, 400) u;
INSERT INTO subject_key SELECT a, u % 50, u % 2, u, u FROM generate_series(1, 20) a, generate_series(1, 400) u;
INSERT INTO conversation_folder SELECT a, 2 + c % 3, c, 1, c, c, 0, 0, 1, 0, ''::bytea, ''::bytea, ''::bytea
    FROM generate_series(1, 20) a, generate_series(1, 130) c;
INSERT INTO tombstone SELECT a, f, u, u, u, u
    FROM generate_series(1, 20) a, generate_series(2, 4) f, generate_series(1, 50) u;
INSERT INTO operation SELECT a, u, u, u % 9, '', u / 3, u % 3 / 2, u % 2, 1, '', 0, 0, ''
    FROM generate_series(1, 20) a, generate_series(1, 300) u;
INSERT INTO folder_label SELECT a, f, n, 1, 1
    FROM generate_series(1, 50) a, generate_series(2, 20) f, generate_series(1, 10) n;
INSERT INTO folder_past SELECT a, f, n, 1, n
    FROM generate_series(1, 50) a, generate_series(2, 20) f, generate_series(1, 10) n;
INSERT INTO doomed_folder SELECT a, f FROM generate_series(1, 50) a, generate_series(2, 20) f;
INSERT INTO doomed_label SELECT a, f FROM generate_series(1, 50) a, generate_series(2, 20) f;
INSERT INTO job SELECT 'job' || a, a % 300, 1, '', '', 0, 0, 0, a, a, a FROM generate_series(1, 2000) a;
INSERT INTO job_slice SELECT 'job' || a, n, ''::bytea FROM generate_series(1, 300) a, generate_series(1, 10) n;
INSERT INTO job_failure SELECT 'job' || a, n, ''::bytea FROM generate_series(1, 300) a, generate_series(1, 9) n;
INSERT INTO remembered_call SELECT a % 300, 'key' || a, ''::bytea, 200, ''::bytea, ''::bytea, '', a
    FROM generate_series(1, 2000) a;
INSERT INTO profile SELECT a, '', '', '', '', '', '' FROM generate_series(1, 1000) a;
INSERT INTO avatar SELECT a, '', ''::bytea FROM generate_series(1, 1000) a;
INSERT INTO signature SELECT a, n, '', 'text', '' FROM generate_series(1, 500) a, generate_series(1, 10) n;
INSERT INTO temporary_alias SELECT 'alias' || a, a % 300, a, a FROM generate_series(1, 9000) a;
INSERT INTO account_setting SELECT a, '', '', '' FROM generate_series(1, 1000) a;
INSERT INTO event_ticket SELECT a::text::bytea, a % 500, a, 1, a, 'all', 0 FROM generate_series(1, 2000) a;
INSERT INTO webhook SELECT a, a % 300, a % 300, '', '', 0, ''::bytea, 1, 0, 0, 0, 0, 0, a % 20 / 19 * a, 0, ''
    FROM generate_series(1, 2000) a;
INSERT INTO extraction SELECT a, c, c, 0 FROM generate_series(1, 100) a, generate_series(1, 50) c;
INSERT INTO bimi_record SELECT 'domain' || a, 'default', '', 0, a, 0, a FROM generate_series(1, 2000) a;
INSERT INTO bimi_waiting SELECT a, c, 'domain' || a, 'default', 0, c
    FROM generate_series(1, 100) a, generate_series(1, 30) c;
INSERT INTO bimi_logo SELECT 'md5' || a, repeat('x', 1000), ''::bytea, '', 0, a, a FROM generate_series(1, 2000) a;
INSERT INTO rethreaded_folder SELECT a, f FROM generate_series(1, 50) a, generate_series(2, 20) f;
INSERT INTO draft SELECT a, u, '', 0 FROM generate_series(1, 20) a, generate_series(1, 200) u;
INSERT INTO temporary_attachment SELECT a, u, u % 7, ''::bytea, '', '', '', 0, 0, u, u
    FROM generate_series(1, 100) a, generate_series(1, 30) u;
INSERT INTO search_folder SELECT a % 300, 1000 + a, a % 500, a, ''::bytea, 1, 1, 9, 0, 0, a % 2 * a
    FROM generate_series(1, 3000) a;
INSERT INTO search_content SELECT a % 300, 1000 + a, ''::bytea FROM generate_series(1, 3000) a;
INSERT INTO search_change SELECT a % 300, 1000 + a, n, ''::bytea, ''::bytea
    FROM generate_series(1, 3000) a, generate_series(1, 3) n;
INSERT INTO released_blob SELECT a % 300, a::text::bytea, a FROM generate_series(1, 2000) a;
INSERT INTO outgoing SELECT a, a % 300, 'sent', '', 0, 0, a % 2 * a, 0, 0, 0, 0, '', '', 0, 0, 0, 0, a % 2 * a, a
    FROM generate_series(1, 2000) a;
INSERT INTO outgoing_recipient SELECT a, n, '', '', '', '', 'waiting', '', '', '', 0
    FROM generate_series(1, 2000) a, generate_series(1, 2) n;
INSERT INTO outgoing_group SELECT a, d, 1, a, 0, 0, '', 0 FROM generate_series(1, 2000) a, generate_series(1, 2) d;
INSERT INTO filter_setting SELECT a, 1, 1, 9, 200 FROM generate_series(1, 1000) a;
INSERT INTO filter_entry SELECT a, u, CASE WHEN u % 2 = 0 THEN 'white' ELSE 'black' END, 'u' || u, 'u' || u
FROM generate_series(1, 20) a, generate_series(1, 200) u;
INSERT INTO vacation SELECT a, 0, 1, 0, 0, 0, 0, 0, '', '' FROM generate_series(1, 1000) a;
INSERT INTO contact SELECT a, 8 + u % 2, u, u, u, u, 0, '', '', '', '', '', '', '', '', '', '', '', u, 0, u % 20 / 19,
    (u % 77)::text::bytea, (u % 77)::text::bytea FROM generate_series(1, 20) a, generate_series(1, 2000) u;
INSERT INTO contact_word SELECT a, u, (u % 97)::text::bytea, u % 4, u % 4
    FROM generate_series(1, 20) a, generate_series(1, 2000) u;
INSERT INTO contact_letters SELECT a, n::text::bytea, s, ''::bytea
    FROM generate_series(1, 20) a, generate_series(1, 300) n, generate_series(0, 3) s;
INSERT INTO contact_avatar SELECT a, u, '', ''::bytea FROM generate_series(1, 20) a, generate_series(1, 100) u;
INSERT INTO contact_address SELECT a, 'user' || u, u, 1, u FROM generate_series(1, 20) a, generate_series(1, 200) u;
INSERT INTO mailbox_visit SELECT a, a FROM generate_series(1, 2000) a;
INSERT INTO history_mark SELECT a, d, d FROM generate_series(1, 200) a, generate_series(1, 30) d;
INSERT INTO quota_notice SELECT a, a, a FROM generate_series(1, 2000) a;
INSERT INTO vacation_answered SELECT a, 'user' || u, u FROM generate_series(1, 20) a, generate_series(1, 100) u;
INSERT INTO folder_grant SELECT a, f, r, '', 'lr'
    FROM generate_series(1, 100) a, generate_series(2, 12) f, generate_series(1, 10) r;
INSERT INTO reader_mark SELECT a, 2 + u % 3, r, u, u % 2, u
    FROM generate_series(1, 20) a, generate_series(1, 10) r, generate_series(1, 200) u;
INSERT INTO folder_reader SELECT a, f, r, 1, 1
    FROM generate_series(1, 100) a, generate_series(2, 12) f, generate_series(1, 10) r;
ANALYZE
"""

_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_NO_TABLES = re.compile(r"SCAN ((\d+ )?CONSTANT ROWS?|place|chunk|page|json_each VIRTUAL TABLE)\b")
_ONE_KEY = re.compile(r"\(account_id=\?\)")


def list_statements() -> dict[str, str]:
    """Return every statement of the repositories by module, name and, in a table of statements, key."""
    found: dict[str, str] = {}
    for info in pkgutil.iter_modules(postroom.store.sql.__path__):
        module = importlib.import_module(f"{postroom.store.sql.__name__}.{info.name}")
        for name, value in vars(module).items():
            found.update(_statements_in(f"{info.name}.{name}", value))
    return found


def _statements_in(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and _SQL.match(value):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _statements_in(f"{name}[{key}]", item)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _statements_in(f"{name}[{number}]", item)


STATEMENTS = list_statements()


def is_listed(name: str, allowed: dict[str, str]) -> bool:
    return name.partition("[")[0] in allowed


def count_parameters(sql: str) -> int:
    return max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)


def test_statements_are_found() -> None:
    assert len(STATEMENTS) > 120
    names = {name.partition("[")[0] for name in STATEMENTS}
    assert {"mails._PAGES", "orders._NTH", "orders._COUNT_BETWEEN", "badges.FIND_BADGE"} <= names
    for allowed in (SCANS, SORTS, WHOLE_ACCOUNT):
        assert set(allowed) <= names, "an exception for a statement that is gone"


def test_repositories_run_constants_alone() -> None:
    for path in sorted(Path(str(postroom.store.sql.__file__)).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr.startswith(("fetch_", "execute")) and node.args:
                assert not isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp), (
                    f"{path.name}:{node.lineno}: the statement is no constant of its module"
                )


@pytest.fixture
async def sqlite_plans(tmp_path: Path) -> dict[str, list[str]]:
    store = await open_store("sqlite:", tmp_path)
    try:
        async with store.engine.peek() as connection:
            return {name: await _explain(connection, sql) for name, sql in STATEMENTS.items()}
    finally:
        await store.close()


async def _explain(connection: Connection, sql: str) -> list[str]:
    """Return SQLite's query plan, a line a step."""
    rows = await connection.fetch_all(f"EXPLAIN QUERY PLAN {sql}", *[None] * count_parameters(sql))
    return [str(row[3]) for row in rows]


async def test_sqlite_plans(sqlite_plans: dict[str, list[str]]) -> None:
    scans = {
        name
        for name, plan in sqlite_plans.items()
        if any(line.startswith("SCAN") and not _NO_TABLES.match(line) for line in plan)
    }
    sorts = {name for name, plan in sqlite_plans.items() if any("TEMP B-TREE" in line for line in plan)}
    whole = {name for name, plan in sqlite_plans.items() if any(_ONE_KEY.search(line) for line in plan)}
    one_row_an_account = {name for name in whole if re.search(r"\b(account|mailbox)\b", STATEMENTS[name])}
    assert [name for name in sorted(scans) if not is_listed(name, SCANS)] == []
    assert [name for name in sorted(sorts) if not is_listed(name, SORTS)] == []
    assert [name for name in sorted(whole - one_row_an_account) if not is_listed(name, WHOLE_ACCOUNT)] == []


async def test_every_page_is_a_range_of_its_own_index(sqlite_plans: dict[str, list[str]]) -> None:
    indexes = set()
    for name, plan in sqlite_plans.items():
        if name.startswith("mails._PAGES"):
            assert len(plan) == 1
            match = re.match(
                r"SEARCH mail USING (?:COVERING )?INDEX (\w+) \(account_id=\? AND folder_id=\?", plan[0]
            )
            assert match is not None, plan[0]
            indexes.add(match[1])
            if name.endswith("True)]"):
                assert re.search(r"\((date|\w+,date),uid\)[<>]", plan[0]), plan[0]
    assert len(indexes) == 9


async def test_every_page_of_conversations_is_a_range_of_its_own_index(
    sqlite_plans: dict[str, list[str]],
) -> None:
    indexes = set()
    for name, plan in sqlite_plans.items():
        if name.startswith("conversation_lists._PAGES"):
            found = [line for line in plan if "conversation_folder" in line]
            assert len(found) == 1
            match = re.match(
                r"SEARCH conversation_folder USING (?:COVERING )?INDEX (\w+) \(account_id=\? AND folder_id=\?",
                found[0],
            )
            assert match is not None, plan
            indexes.add(match[1])
            if name.endswith("True)]"):
                assert re.search(r"\((date|\w+,date),conversation_id\)[<>]", found[0]), plan
    assert len(indexes) == 8


async def test_mails_of_conversations_are_found_by_their_index(sqlite_plans: dict[str, list[str]]) -> None:
    for name in ("_MAILS", "_MEMBERS"):
        plan = sqlite_plans[f"conversation_lists.{name}"]
        assert any("mail_by_conversation (account_id=? AND conversation_id=?" in line for line in plan), plan


@pytest.fixture
async def postgres_plans(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    store: Store = await open_store(postgres_url, tmp_path, connections=2)
    try:
        engine = store.engine
        assert isinstance(engine, PostgresEngine)
        async with engine._pool.acquire() as connection:
            await connection.execute(FILL)
            arguments = {name: await _example_arguments(connection, sql) for name, sql in STATEMENTS.items()}
            # As on large tables, and for arguments that are not known.
            await connection.execute("SET enable_seqscan = off")
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            return {
                name: "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}", *arguments[name]))
                for name, sql in STATEMENTS.items()
            }
    finally:
        await store.close()


async def _example_arguments(connection: Any, sql: str) -> list[object]:
    examples = {"text": "[3]", "bytea": b"x"}
    prepared = await connection.prepare(sql)
    return [examples.get(parameter.name, 3) for parameter in prepared.get_parameters()]


async def test_postgres_plans(postgres_plans: dict[str, str]) -> None:
    scans = {name for name, plan in postgres_plans.items() if "Seq Scan" in plan}
    sorts = {name for name, plan in postgres_plans.items() if re.search(r"\bSort\b", plan)}
    assert [name for name in sorted(scans) if not is_listed(name, SCANS)] == []
    assert [name for name in sorted(sorts) if not is_listed(name, SORTS)] == []


async def test_postgres_finds_chunks_by_their_keys(postgres_plans: dict[str, str]) -> None:
    """Reading all chunks of a folder at each delivery would make deliveries slower as it grows."""
    for table in ("mail", "conversation_folder"):
        plan = postgres_plans[f"orders._FIND_PLACES[{table}]"]
        conditions = re.findall(r"Index Cond: (.*)", plan)
        assert len(conditions) == 1
        assert all("low_key" in condition for condition in conditions), plan


_ADD_CONTACTS = f"""
INSERT INTO contact SELECT 1, 2, n, n, n, n, 0, {"'', " * 11}n, 0, 0, n::text::bytea, n::text::bytea
    FROM generate_series($1::int, $2::int - 1) n
"""  # noqa: S608


@pytest.mark.parametrize("is_known", [False, True])
async def test_postgres_finds_contacts_by_their_keys(
    postgres_url: str, tmp_path: Path, *, is_known: bool
) -> None:
    """A plan made while there is no contact yet serves a whole import, card by card.

    It goes by the size of the files, or by what was counted some time ago, when most contacts had an address.
    """
    store: Store = await open_store(postgres_url, tmp_path, connections=1)
    try:
        engine = store.engine
        assert isinstance(engine, PostgresEngine)
        async with engine._pool.acquire() as connection:
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            # Of a few rows that are known any way is as good.
            await connection.execute("SET enable_seqscan = off")
            for before, after in pairwise((0, 0, 10, 100, 1000, 10_000)):
                await connection.execute(_ADD_CONTACTS, before, after)
                if is_known:
                    await connection.execute("ANALYZE contact")
                for name, key in (("_LIST_NAMED", "name_key"), ("_FIND_CARD", "card_uid")):
                    plan = await _explain_generic(connection, STATEMENTS[f"contacts.{name}"])
                    [condition] = re.findall(r"Index Cond: (.*)", plan)
                    assert key in condition, plan
    finally:
        await store.close()


async def _explain_generic(connection: Any, sql: str) -> str:
    """Return the plan that PostgreSQL keeps of a statement, for whatever arguments."""
    arguments = ", ".join(["'3'"] * count_parameters(sql))
    await connection.execute(f"PREPARE kept AS {sql}")
    plan = await connection.fetch(f"EXPLAIN EXECUTE kept ({arguments})")
    await connection.execute("DEALLOCATE kept")
    return "\n".join(row[0] for row in plan)
