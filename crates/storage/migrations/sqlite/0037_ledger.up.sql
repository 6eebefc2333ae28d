-- The ledger: every movement takes from one account what it adds to another. Entries are never changed or deleted, and
-- balances change only as an entry says: triggers hold both. All of it outlives its workspace, so nothing refers to that.
CREATE TABLE ledger_balances (
    workspace_id  BLOB NOT NULL PRIMARY KEY,
    seq           INTEGER NOT NULL CHECK (seq >= 0),
    trial         INTEGER NOT NULL CHECK (trial >= 0),
    bonus         INTEGER NOT NULL CHECK (bonus >= 0),
    paid          INTEGER NOT NULL CHECK (paid >= 0),
    held          INTEGER NOT NULL CHECK (held >= 0),
    held_answers  INTEGER NOT NULL CHECK (held_answers >= 0),
    changed_at    TEXT NOT NULL
) STRICT;

CREATE TABLE ledger_entries (
    workspace_id        BLOB NOT NULL,
    seq                 INTEGER NOT NULL,
    key                 TEXT NOT NULL,
    part                INTEGER NOT NULL,
    kind                TEXT NOT NULL,
    source              TEXT NOT NULL,
    target              TEXT NOT NULL,
    amount              INTEGER NOT NULL CHECK (amount >= 0),
    answers             INTEGER NOT NULL CHECK (answers >= 0),
    trial_after         INTEGER NOT NULL,
    bonus_after         INTEGER NOT NULL,
    paid_after          INTEGER NOT NULL,
    held_after          INTEGER NOT NULL,
    held_answers_after  INTEGER NOT NULL,
    hold_id             BLOB,
    credit_id           BLOB,
    assistant_id        BLOB,
    dialog_id           BLOB,
    message_id          BLOB,
    facts               TEXT NOT NULL,
    created_at          TEXT NOT NULL,
    PRIMARY KEY (workspace_id, seq),
    UNIQUE (workspace_id, key, part),
    CHECK (source <> target),
    CHECK ((amount > 0) <> (answers > 0))
) STRICT;
CREATE INDEX ledger_entries_by_time ON ledger_entries (workspace_id, created_at, seq);
CREATE INDEX ledger_entries_by_kind ON ledger_entries (workspace_id, kind, seq);
CREATE INDEX ledger_entries_by_message ON ledger_entries (workspace_id, message_id, seq) WHERE message_id IS NOT NULL;

-- What is set aside for work that is under way. A dialog has one turn at a time, so it has one hold at a time.
CREATE TABLE ledger_holds (
    workspace_id   BLOB NOT NULL,
    id             BLOB NOT NULL,
    purpose        TEXT NOT NULL,
    dialog_id      BLOB,
    answers        INTEGER NOT NULL CHECK (answers >= 0),
    bonus          INTEGER NOT NULL CHECK (bonus >= 0),
    paid           INTEGER NOT NULL CHECK (paid >= 0),
    price_version  INTEGER NOT NULL,
    taken_at       TEXT NOT NULL,
    expires_at     TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE UNIQUE INDEX ledger_holds_by_dialog ON ledger_holds (workspace_id, dialog_id) WHERE dialog_id IS NOT NULL;
CREATE INDEX ledger_holds_by_end ON ledger_holds (expires_at);

-- Where money came from, and what is left of it. No two credits have source and id in common.
CREATE TABLE ledger_credits (
    workspace_id  BLOB NOT NULL,
    id            BLOB NOT NULL,
    source        TEXT NOT NULL,
    source_id     TEXT NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount > 0),
    remaining     INTEGER NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (source, source_id)
) STRICT;
CREATE INDEX ledger_credits_left ON ledger_credits (workspace_id, created_at, id) WHERE remaining > 0;

-- How far entries are sealed by a chain of hashes and counted in the totals.
CREATE TABLE ledger_seals (
    workspace_id  BLOB NOT NULL PRIMARY KEY,
    seq           INTEGER NOT NULL,
    hash          TEXT NOT NULL,
    sealed_at     TEXT NOT NULL
) STRICT;

-- The accounts of all workspaces and of the installation by day (UTC), summed in the background.
CREATE TABLE ledger_totals (
    account  TEXT NOT NULL,
    day      TEXT NOT NULL,
    amount   INTEGER NOT NULL,
    answers  INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) STRICT;

-- The currency of the ledger: one row, from the first start with billing on.
CREATE TABLE ledger_currency (
    name      TEXT NOT NULL PRIMARY KEY CHECK (name = 'this'),
    currency  TEXT NOT NULL,
    set_at    TEXT NOT NULL
) STRICT;

CREATE TABLE prices (
    version        INTEGER NOT NULL PRIMARY KEY,
    in_force_from  TEXT NOT NULL,
    prices         TEXT NOT NULL,
    set_by         TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dollar_rates (
    version        INTEGER NOT NULL PRIMARY KEY,
    in_force_from  TEXT NOT NULL,
    rate           INTEGER NOT NULL CHECK (rate > 0),
    set_by         TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An entry is the next one of its workspace, says what there is after it, and changes the balance so.
CREATE TRIGGER ledger_entries_follow BEFORE INSERT ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger_entries_follow') WHERE NOT EXISTS (
        SELECT 1 FROM ledger_balances b
         WHERE b.workspace_id = NEW.workspace_id AND NEW.seq = b.seq + 1 AND NEW.created_at >= b.changed_at
           AND NEW.trial_after = b.trial + CASE WHEN NEW.target = 'trial' THEN NEW.answers WHEN NEW.source = 'trial' THEN -NEW.answers ELSE 0 END
           AND NEW.bonus_after = b.bonus + CASE WHEN NEW.target = 'bonus' THEN NEW.amount WHEN NEW.source = 'bonus' THEN -NEW.amount ELSE 0 END
           AND NEW.paid_after = b.paid + CASE WHEN NEW.target = 'paid' THEN NEW.amount WHEN NEW.source = 'paid' THEN -NEW.amount ELSE 0 END
           AND NEW.held_after = b.held + CASE WHEN NEW.target = 'held' THEN NEW.amount WHEN NEW.source = 'held' THEN -NEW.amount ELSE 0 END
           AND NEW.held_answers_after = b.held_answers + CASE WHEN NEW.target = 'held' THEN NEW.answers WHEN NEW.source = 'held' THEN -NEW.answers ELSE 0 END);
END;
CREATE TRIGGER ledger_entries_count AFTER INSERT ON ledger_entries BEGIN
    UPDATE ledger_balances
       SET seq = NEW.seq, trial = NEW.trial_after, bonus = NEW.bonus_after, paid = NEW.paid_after,
           held = NEW.held_after, held_answers = NEW.held_answers_after, changed_at = NEW.created_at
     WHERE workspace_id = NEW.workspace_id;
END;

-- A balance begins with nothing, and then is what its newest entry says.
CREATE TRIGGER ledger_balances_begin BEFORE INSERT ON ledger_balances
    WHEN NEW.seq <> 0 OR NEW.trial <> 0 OR NEW.bonus <> 0 OR NEW.paid <> 0 OR NEW.held <> 0 OR NEW.held_answers <> 0 BEGIN
    SELECT RAISE(ABORT, 'ledger_balances_begin');
END;
CREATE TRIGGER ledger_balances_follow BEFORE UPDATE ON ledger_balances BEGIN
    SELECT RAISE(ABORT, 'ledger_balances_follow') WHERE NOT EXISTS (
        SELECT 1 FROM ledger_entries e
         WHERE e.workspace_id = OLD.workspace_id AND NEW.workspace_id = OLD.workspace_id AND NEW.seq = OLD.seq + 1
           AND e.seq = NEW.seq AND e.trial_after = NEW.trial AND e.bonus_after = NEW.bonus AND e.paid_after = NEW.paid
           AND e.held_after = NEW.held AND e.held_answers_after = NEW.held_answers AND e.created_at = NEW.changed_at);
END;
CREATE TRIGGER ledger_balances_stay BEFORE DELETE ON ledger_balances BEGIN
    SELECT RAISE(ABORT, 'ledger_balances_stay');
END;

CREATE TRIGGER ledger_entries_stay BEFORE DELETE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger_entries_stay');
END;
CREATE TRIGGER ledger_entries_last BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger_entries_last');
END;
CREATE TRIGGER prices_stay BEFORE DELETE ON prices BEGIN
    SELECT RAISE(ABORT, 'prices_stay');
END;
CREATE TRIGGER prices_last BEFORE UPDATE ON prices BEGIN
    SELECT RAISE(ABORT, 'prices_last');
END;
CREATE TRIGGER dollar_rates_stay BEFORE DELETE ON dollar_rates BEGIN
    SELECT RAISE(ABORT, 'dollar_rates_stay');
END;
CREATE TRIGGER dollar_rates_last BEFORE UPDATE ON dollar_rates BEGIN
    SELECT RAISE(ABORT, 'dollar_rates_last');
END;

-- Of a credit only what is left changes.
CREATE TRIGGER ledger_credits_stay BEFORE DELETE ON ledger_credits BEGIN
    SELECT RAISE(ABORT, 'ledger_credits_stay');
END;
CREATE TRIGGER ledger_credits_last BEFORE UPDATE OF workspace_id, id, source, source_id, amount, created_at ON ledger_credits BEGIN
    SELECT RAISE(ABORT, 'ledger_credits_last');
END;

-- Seals only go on.
CREATE TRIGGER ledger_seals_stay BEFORE DELETE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'ledger_seals_stay');
END;
CREATE TRIGGER ledger_seals_last BEFORE UPDATE ON ledger_seals WHEN NEW.workspace_id <> OLD.workspace_id OR NEW.seq <= OLD.seq BEGIN
    SELECT RAISE(ABORT, 'ledger_seals_last');
END;
