-- Visitors rate the letters that were generated for them.

CREATE TABLE letter_feedback (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    letter_id uuid NOT NULL REFERENCES generated_letters (id) ON DELETE CASCADE,
    rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    comment text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX idx_letter_feedback_letter_id ON letter_feedback (letter_id);
CREATE INDEX idx_letter_feedback_deleted_at ON letter_feedback (deleted_at);
CREATE TRIGGER update_letter_feedback_updated_at BEFORE UPDATE ON letter_feedback
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE VIEW letter_ratings AS
SELECT l.id AS letter_id, l.letter_type, l.ai_model,
       count(f.id) AS ratings, round(avg(f.rating), 2) AS average
FROM generated_letters l
LEFT JOIN letter_feedback f ON f.letter_id = l.id AND f.deleted_at IS NULL
WHERE l.deleted_at IS NULL
GROUP BY l.id;
