DROP TABLE messages;
DROP TABLE conversations;
DROP FUNCTION count_message();
