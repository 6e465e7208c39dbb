"""The demonstration: a server with one account and about 200 mails of many kinds in it."""
