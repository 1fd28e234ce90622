-- A trigger, which goose needs to be told about.
-- +goose Up
ALTER TABLE users ADD COLUMN touched timestamptz;
-- +goose StatementBegin
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.touched := now();
    RETURN NEW;
END
$$
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER touch BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION touch();
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER touch ON users;
DROP FUNCTION touch();
ALTER TABLE users DROP COLUMN touched;
