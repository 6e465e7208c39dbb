"""What a database says of its own tables: a row for each column, with its place in the primary key, 0 if in none."""

SQLITE = """
SELECT m.name, p.name, p.pk FROM sqlite_schema m JOIN pragma_table_info(m.name) p
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid
"""
POSTGRES = """
SELECT CAST(c.relname AS text), CAST(a.attname AS text),
       coalesce(array_position(CAST(i.indkey AS int2[]), a.attnum) + 1, 0)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace)
ORDER BY 1, a.attnum
"""
