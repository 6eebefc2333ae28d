ALTER TABLE contact_days DROP COLUMN balance_told_at;
DROP TABLE trial_marks;
DROP TABLE ledger_trials;
