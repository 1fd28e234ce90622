-- Conversations of the first release, of which some keys are no UUIDs.
INSERT INTO conversations (id, session_id, user_id, created_at, updated_at, question, response) VALUES
    ('conv-42', '5e550000-0000-4000-8000-000000000001', '0a000000-0000-4000-8000-000000000001', '2025-08-15 08:00:00+00', '2025-08-15 08:00:05+00', 'Does it work?', 'It does.'),
    ('conv-43', 'browser-7', '0a000000-0000-4000-8000-000000000001', '2025-08-15 09:00:00+00', '2025-08-15 09:00:05+00', 'Still?', 'Still.'),
    ('0b1c2d3e-0006-4000-8000-000000000006', 'browser-7', '0a000000-0000-4000-8000-000000000003', '2025-08-16 09:00:00+00', '2025-08-16 09:00:05+00', 'Who am I?', 'A user.');
