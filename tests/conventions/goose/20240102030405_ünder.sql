-- +goose Up
-- +goose ENVSUB OFF
CREATE VIEW addresses AS SELECT email FROM users;
-- +goose Down
DROP VIEW addresses;