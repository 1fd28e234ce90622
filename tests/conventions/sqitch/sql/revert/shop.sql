-- Revert shop:shop from pg

BEGIN;

DROP SCHEMA shop;

COMMIT;
