set check_function_bodies = off;

create table public.profiles (
    id uuid primary key default gen_random_uuid(),
    handle text not null check (char_length(handle) >= 3)
);

alter table public.profiles enable row level security;
create policy "Profiles are public." on public.profiles for select using (true);
