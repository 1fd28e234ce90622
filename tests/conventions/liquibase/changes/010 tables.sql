--liquibase formatted sql

--changeset ana:shop
--comment: where all of it is
CREATE SCHEMA shop;
--rollback DROP SCHEMA shop;

--changeset ana:products splitStatements:true endDelimiter:;
CREATE TABLE shop.products (
    id int PRIMARY KEY,
    name text NOT NULL
);
INSERT INTO shop.products VALUES (1, 'thé; 100 g');
--rollback DELETE FROM shop.products;
--rollback DROP TABLE shop.products;

-- ChangeSet "Bob O'Hara":"price & stock" dbms:postgresql,h2 stripComments:false
ALTER TABLE shop.products ADD COLUMN price numeric NOT NULL DEFAULT 1;
/* liquibase rollback
DROP VIEW IF EXISTS shop.cheap;
ALTER TABLE shop.products
    DROP COLUMN price; */

--changeset ana:mysql-only dbms:mysql
ALTER TABLE shop.products ENGINE = InnoDB;

--changeset ana:raise splitStatements:false
CREATE FUNCTION shop.raise(percent numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- all of them
    UPDATE shop.products SET price = price * (1 + percent / 100);
END;
$$;
SELECT shop.raise(10);
--rollback DROP FUNCTION shop.raise(numeric);
