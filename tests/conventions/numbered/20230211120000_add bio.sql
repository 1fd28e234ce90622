alter table public.profiles add column bio text;
comment on column public.profiles.bio is $$five $1 bills$$;
