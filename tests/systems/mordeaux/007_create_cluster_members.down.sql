DROP VIEW cluster_summary;
DROP TABLE cluster_members;
