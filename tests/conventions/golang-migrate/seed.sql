INSERT INTO rooms (label) VALUES ('never');
