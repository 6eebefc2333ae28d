DROP TABLE assistant_pauses;
