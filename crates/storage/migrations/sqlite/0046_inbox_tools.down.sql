DROP TABLE sla_pauses;
DROP TABLE drafts;
DROP TABLE canned_replies;
DROP TABLE snoozes;
DROP TABLE dialog_tags;
DROP TABLE tags;
