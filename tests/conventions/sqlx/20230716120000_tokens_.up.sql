CREATE TABLE tokens (
  account uuid REFERENCES accounts,
  token bytea NOT NULL
);
