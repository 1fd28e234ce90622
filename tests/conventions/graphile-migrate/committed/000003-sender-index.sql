--! Previous: sha1:7c211433f02071597741e6ff5a8ea34789abbf43
--! Hash: sha1:0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33
--! AllowInvalidHash

--! no-transaction
create index concurrently if not exists messages_sender on messages (sender);
