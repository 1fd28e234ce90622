-- atlas:nolint destructive
ALTER TABLE authors DROP COLUMN name;
