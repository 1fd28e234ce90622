--! Previous: sha1:5d41402abc4b2a76b9719d911017c592aabbccdd
--! Hash: sha1:7c211433f02071597741e6ff5a8ea34789abbf43
--! Message: By sender: é

alter table messages add column if not exists sender text;
--! Included functions/latest.sql
create or replace function latest(of_sender text) returns messages language sql stable as $$
  select * from messages where sender = of_sender order by id desc limit 1;
$$;
--! EndIncluded functions/latest.sql
