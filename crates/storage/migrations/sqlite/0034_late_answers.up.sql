-- A customer who got the fallback text gets the answer later: the turn stays, due again and again until its time is up.
ALTER TABLE turns ADD COLUMN late TEXT;
ALTER TABLE assistants ADD COLUMN late_answer_minutes INTEGER NOT NULL DEFAULT 10;
