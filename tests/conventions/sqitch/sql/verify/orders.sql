-- Verify shop:orders on pg

BEGIN;

SELECT 1 / count(*) FROM pg_catalog.pg_class WHERE oid = 'shop.orders'::regclass;

ROLLBACK;
