ALTER TABLE posts DROP published;
