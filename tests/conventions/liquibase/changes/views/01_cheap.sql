--liquibase formatted sql
--changeset ana:cheap runOnChange:true
CREATE OR REPLACE VIEW shop.cheap AS SELECT id, name FROM shop.products WHERE price < 2;
--rollback DROP VIEW shop.cheap;
