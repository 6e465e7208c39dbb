"""Backups: the folder they lie in, and the rows of the store as a stream that either engine writes and reads."""
