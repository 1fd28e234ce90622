-- Whether what apply() would do, the plan and the status agree: NULL, or where they don't.
-- (apply() is undone.)
CREATE FUNCTION disagreement(of text DEFAULT 'default') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    half bool := EXISTS (SELECT FROM migrations.journal JOIN migrations.project p ON p.id = project_id WHERE p.name = of);
    plan text[] := '{}'; plan_error text; interrupted int; status text[]; ran int; error text;
BEGIN
    SELECT coalesce(array_agg(coalesce(s.version, s.name) ORDER BY coalesce(s.version, s.name)), '{}') INTO status
    FROM migrations.status(of) s WHERE state NOT IN ('applied', 'missing', 'modified') AND coalesce(message, '') !~ '^runs (before|after) each run';
    BEGIN
        SELECT coalesce(array_agg(coalesce(p.version, p.name) ORDER BY coalesce(p.version, p.name)), '{}'),
               count(*) FILTER (WHERE reason ~ 'interrupted')
        INTO plan, interrupted FROM migrations.plan(project => of) p WHERE reason !~ '^(before|after) each run($|;)';
    EXCEPTION WHEN OTHERS THEN plan_error := SQLERRM;
    END;
    BEGIN
        SELECT count(*) INTO ran FROM migrations.apply(project => of);
        RAISE SQLSTATE 'UNDO1';
    EXCEPTION
        WHEN SQLSTATE 'UNDO1' THEN NULL;
        WHEN OTHERS THEN error := SQLSTATE || ' ' || SQLERRM;
    END;
    RETURN CASE
        WHEN half THEN CASE
            WHEN error !~ '^55000 .* is half run' OR error IS NULL THEN format('half run, but apply %s, %s', ran, error)
            WHEN interrupted <> 1 THEN format('half run, but plan %s', plan)
            WHEN NOT EXISTS (SELECT FROM migrations.status(of) WHERE state = 'interrupted' OR state = 'failed') THEN 'half run, but no status says so' END
        WHEN plan_error IS NOT NULL THEN
            CASE WHEN right(error, -6) IS DISTINCT FROM plan_error THEN format('plan: %s, but apply: %s, %s', plan_error, ran, error) END
        WHEN status <> plan THEN format('status %s, but plan %s', status, plan)
        WHEN plan = '{}' AND (error IS NOT NULL OR ran > 0) THEN format('nothing planned, but apply: %s, %s', ran, error)
        WHEN plan <> '{}' AND error IS NULL AND ran < cardinality(plan) THEN format('plan %s, but apply: %s', plan, ran)
        END;
END $$;
