--liquibase formatted sql
--changeset ana:looked-at runAlways:true
COMMENT ON SCHEMA shop IS 'looked at';
