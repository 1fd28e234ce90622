-- -- no-transaction
DROP TABLE tokens;