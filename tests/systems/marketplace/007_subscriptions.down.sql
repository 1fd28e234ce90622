DROP FUNCTION current_plan(uuid);
DROP TABLE stripe_events;
DROP TABLE subscriptions;
