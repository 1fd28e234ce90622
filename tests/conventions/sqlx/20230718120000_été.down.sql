DROP TYPE season;
