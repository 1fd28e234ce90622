--liquibase formatted sql
--changeset ana:goods
CREATE TABLE goods (id bigint PRIMARY KEY, price numeric);
--rollback DROP TABLE goods;
