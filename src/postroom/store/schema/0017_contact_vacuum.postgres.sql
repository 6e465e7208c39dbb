-- A page of contacts in the middle of a list is found in an index alone, which PostgreSQL can do where the table was
-- vacuumed: unvacuumed, it takes several times as long. By default it waits until a fifth of the table is new, which in
-- a store with many accounts is never soon. Where nothing was changed a vacuum reads the new pages and no index.
ALTER TABLE contact SET (
    autovacuum_vacuum_insert_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);
ALTER TABLE contact_word SET (
    autovacuum_vacuum_insert_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);
