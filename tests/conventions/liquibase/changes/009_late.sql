-- Liquibase Formatted SQL logicalFilePath:changes/009.sql
--changeset ana:find-names runInTransaction:false
CREATE INDEX CONCURRENTLY products_name ON shop.products (name);
--rollback DROP INDEX shop.products_name;
--changeset ana:fill
--ignoreLines:1
DELETE FROM shop.products;
INSERT INTO shop.products VALUES (2, 'café', 3);
--rollback not required