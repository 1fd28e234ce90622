DELETE FROM posts WHERE title = 'été';
