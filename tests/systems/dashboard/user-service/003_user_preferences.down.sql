DROP VIEW user_search_view;
DROP FUNCTION get_complete_user_profile(uuid);
DROP TABLE user_preferences;
DROP TABLE user_profiles;
