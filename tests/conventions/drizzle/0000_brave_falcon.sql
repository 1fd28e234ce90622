CREATE TABLE IF NOT EXISTS "tasks" (
	"id" serial PRIMARY KEY NOT NULL,
	"title" varchar(256)
);
--> statement-breakpoint
CREATE TABLE "people" (
	"id" serial PRIMARY KEY NOT NULL
)
--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "owner" integer;--> statement-breakpoint
DO $$ BEGIN
 ALTER TABLE "tasks" ADD CONSTRAINT "tasks_owner_people_id_fk" FOREIGN KEY ("owner") REFERENCES "people"("id");
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
