--! Previous: -
--! Hash: sha1:5d41402abc4b2a76b9719d911017c592aabbccdd

--! split: 1-current.sql
-- Enter migration here
drop table if exists messages;
create table messages (
  id int primary key,
  body text not null
);
