DROP VIEW feedback_by_key;
DROP TABLE feedback;
