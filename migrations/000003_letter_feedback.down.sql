DROP VIEW letter_ratings;
DROP TABLE letter_feedback;
