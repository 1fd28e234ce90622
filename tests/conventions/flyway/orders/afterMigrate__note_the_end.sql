INSERT INTO runs (what) VALUES ('ends');
