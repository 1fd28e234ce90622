-- +goose Up
INSERT INTO users VALUES (1, 'a@example.org');
-- +goose Down
