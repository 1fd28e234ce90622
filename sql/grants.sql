-- Nobody but the owner can call anything before it is granted to them.
REVOKE ALL ON ALL ROUTINES IN SCHEMA migrations FROM PUBLIC;
