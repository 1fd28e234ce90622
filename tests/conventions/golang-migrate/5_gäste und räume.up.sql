CREATE FUNCTION room_count() RETURNS bigint LANGUAGE plpgsql AS $body$
BEGIN
    RETURN (SELECT count(*) FROM rooms);
END;
$body$;