DROP TABLE inbox_views;
DROP TABLE bulk_items;
