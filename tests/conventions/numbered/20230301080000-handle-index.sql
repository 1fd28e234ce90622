-- postgres-migrations disable-transaction
create index concurrently profiles_handle on public.profiles (handle);