DROP VIEW open_alerts;
DROP FUNCTION raise_alert(uuid, text, text, text, text, uuid, uuid);
DROP TABLE alerts;
