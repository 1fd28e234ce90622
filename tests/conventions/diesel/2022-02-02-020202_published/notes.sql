SELECT nothing;
