--liquibase formatted sql
--changeset ana:old runOnChange:true ignore:true
CREATE OR REPLACE VIEW shop.old AS SELECT 1;
