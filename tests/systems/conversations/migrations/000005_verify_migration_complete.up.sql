-- Reads only. What has to hold is the verify script, which can be run again at any time.
SELECT (SELECT count(*) FROM conversations) AS conversations, (SELECT count(*) FROM messages) AS messages;
