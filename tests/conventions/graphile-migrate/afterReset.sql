create extension if not exists nothing;
