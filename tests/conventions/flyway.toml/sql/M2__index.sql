CREATE INDEX CONCURRENTLY rooms_id ON rooms (id);
