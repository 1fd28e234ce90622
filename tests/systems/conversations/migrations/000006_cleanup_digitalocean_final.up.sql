-- Three tables that belong elsewhere, or nowhere.
SELECT migrations.keep('invitations');
SELECT migrations.keep('invitations_cache');
SELECT migrations.keep('questions_cache');
DROP TABLE invitations_cache;
DROP TABLE invitations;
DROP TABLE questions_cache;
