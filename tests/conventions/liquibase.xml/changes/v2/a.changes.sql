--liquibase formatted sql
--changeset ana:names context:!test
ALTER TABLE goods ADD name text;
--rollback ALTER TABLE goods DROP name;
