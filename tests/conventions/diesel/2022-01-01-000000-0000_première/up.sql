INSERT INTO posts (title) VALUES ('été');
