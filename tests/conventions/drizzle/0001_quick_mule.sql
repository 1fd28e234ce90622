ALTER TABLE "tasks" ADD COLUMN "done" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "tasks_done" ON "tasks" ("done");