DROP TABLE database_sizes;
