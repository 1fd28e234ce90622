-- Deploy shop:shop to pg

BEGIN;

CREATE SCHEMA shop;

COMMIT;
