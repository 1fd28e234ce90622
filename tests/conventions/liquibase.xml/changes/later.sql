--liquibase formatted sql
--changeset ana:later
DROP TABLE goods;
