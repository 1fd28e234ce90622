-- What people think of an answer.

CREATE TABLE feedback (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id  uuid NOT NULL,
    message_id       bigint NOT NULL,
    rating           smallint NOT NULL,
    comment          text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT feedback_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    CONSTRAINT feedback_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    CONSTRAINT feedback_message_id_key UNIQUE (message_id),
    CONSTRAINT feedback_rating_check CHECK (rating IN (-1, 1)),
    CONSTRAINT feedback_comment_check CHECK (length(comment) <= 2000)
);
CREATE INDEX idx_feedback_conversation_id ON feedback (conversation_id);
CREATE INDEX idx_feedback_unhappy ON feedback (created_at DESC) WHERE rating = -1;
ALTER TABLE feedback ENABLE ROW LEVEL SECURITY;

CREATE VIEW feedback_by_key AS
SELECT c.api_key_id,
       count(*) AS answers,
       count(*) FILTER (WHERE f.rating = 1) AS liked,
       round(avg((f.rating = 1)::int), 2) AS satisfaction
FROM feedback f
JOIN conversations c ON c.id = f.conversation_id
GROUP BY c.api_key_id;

COMMENT ON TABLE feedback IS 'Thumbs up (1) or down (-1), once for each answer';
COMMENT ON VIEW feedback_by_key IS 'How content people are with each agent';
