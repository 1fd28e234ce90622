DROP TABLE bookings;
DELETE FROM rooms;
