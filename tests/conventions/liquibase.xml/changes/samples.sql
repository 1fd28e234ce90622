--liquibase formatted sql
--changeset ana:samples
INSERT INTO goods VALUES (1, 2);
