CREATE TABLE bookings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id bigint NOT NULL REFERENCES rooms,
    during tstzrange NOT NULL
);

INSERT INTO rooms (label) VALUES ('Foyer; left'), ('O''Hara');
