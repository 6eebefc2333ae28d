ALTER TABLE upload_days DROP COLUMN fetched;
