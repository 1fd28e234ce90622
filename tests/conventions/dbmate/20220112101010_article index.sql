-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY order_lines_article ON order_lines (article);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY order_lines_article;