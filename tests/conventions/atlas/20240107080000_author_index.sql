-- atlas:txmode none

-- Create index "books_author" to table: "books"
CREATE INDEX CONCURRENTLY "books_author" ON "public"."books" ("author");
