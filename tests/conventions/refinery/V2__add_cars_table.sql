CREATE TABLE cars (id int PRIMARY KEY, owner int REFERENCES persons);
INSERT INTO persons VALUES (1, 'José; ');