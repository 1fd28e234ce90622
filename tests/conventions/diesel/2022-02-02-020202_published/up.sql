ALTER TABLE posts ADD published bool NOT NULL DEFAULT false;
