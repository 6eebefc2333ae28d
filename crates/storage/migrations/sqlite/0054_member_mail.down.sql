DROP TABLE member_mails;
DROP TABLE member_mail_items;
DROP TABLE mail_cursors;
ALTER TABLE users DROP COLUMN notify_mention;
ALTER TABLE users DROP COLUMN notify_sla;
ALTER TABLE users DROP COLUMN notify_request;
