-- The ledger: every movement takes from one account what it adds to another. Entries are never changed or deleted, and
-- balances change only as an entry says: triggers hold both. All of it outlives its workspace, so nothing refers to that.
CREATE TABLE ledger_balances (
    workspace_id  UUID NOT NULL PRIMARY KEY,
    seq           BIGINT NOT NULL CHECK (seq >= 0),
    trial         BIGINT NOT NULL CHECK (trial >= 0),
    bonus         BIGINT NOT NULL CHECK (bonus >= 0),
    paid          BIGINT NOT NULL CHECK (paid >= 0),
    held          BIGINT NOT NULL CHECK (held >= 0),
    held_answers  BIGINT NOT NULL CHECK (held_answers >= 0),
    changed_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE ledger_entries (
    workspace_id        UUID NOT NULL,
    seq                 BIGINT NOT NULL,
    key                 TEXT NOT NULL,
    part                BIGINT NOT NULL,
    kind                TEXT NOT NULL,
    source              TEXT NOT NULL,
    target              TEXT NOT NULL,
    amount              BIGINT NOT NULL CHECK (amount >= 0),
    answers             BIGINT NOT NULL CHECK (answers >= 0),
    trial_after         BIGINT NOT NULL,
    bonus_after         BIGINT NOT NULL,
    paid_after          BIGINT NOT NULL,
    held_after          BIGINT NOT NULL,
    held_answers_after  BIGINT NOT NULL,
    hold_id             UUID,
    credit_id           UUID,
    assistant_id        UUID,
    dialog_id           UUID,
    message_id          UUID,
    facts               TEXT NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, seq),
    UNIQUE (workspace_id, key, part),
    CHECK (source <> target),
    CHECK ((amount > 0) <> (answers > 0))
);
CREATE INDEX ledger_entries_by_time ON ledger_entries (workspace_id, created_at, seq);
CREATE INDEX ledger_entries_by_kind ON ledger_entries (workspace_id, kind, seq);
CREATE INDEX ledger_entries_by_message ON ledger_entries (workspace_id, message_id, seq) WHERE message_id IS NOT NULL;

-- What is set aside for work that is under way. A dialog has one turn at a time, so it has one hold at a time.
CREATE TABLE ledger_holds (
    workspace_id   UUID NOT NULL,
    id             UUID NOT NULL,
    purpose        TEXT NOT NULL,
    dialog_id      UUID,
    answers        BIGINT NOT NULL CHECK (answers >= 0),
    bonus          BIGINT NOT NULL CHECK (bonus >= 0),
    paid           BIGINT NOT NULL CHECK (paid >= 0),
    price_version  BIGINT NOT NULL,
    taken_at       TIMESTAMPTZ NOT NULL,
    expires_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX ledger_holds_by_dialog ON ledger_holds (workspace_id, dialog_id) WHERE dialog_id IS NOT NULL;
CREATE INDEX ledger_holds_by_end ON ledger_holds (expires_at);

-- Where money came from, and what is left of it. No two credits have source and id in common.
CREATE TABLE ledger_credits (
    workspace_id  UUID NOT NULL,
    id            UUID NOT NULL,
    source        TEXT NOT NULL,
    source_id     TEXT NOT NULL,
    amount        BIGINT NOT NULL CHECK (amount > 0),
    remaining     BIGINT NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (source, source_id)
);
CREATE INDEX ledger_credits_left ON ledger_credits (workspace_id, created_at, id) WHERE remaining > 0;

-- How far entries are sealed by a chain of hashes and counted in the totals.
CREATE TABLE ledger_seals (
    workspace_id  UUID NOT NULL PRIMARY KEY,
    seq           BIGINT NOT NULL,
    hash          TEXT NOT NULL,
    sealed_at     TIMESTAMPTZ NOT NULL
);

-- The accounts of all workspaces and of the installation by day (UTC), summed in the background.
CREATE TABLE ledger_totals (
    account  TEXT NOT NULL,
    day      TEXT NOT NULL,
    amount   BIGINT NOT NULL,
    answers  BIGINT NOT NULL,
    PRIMARY KEY (account, day)
);

-- The currency of the ledger: one row, from the first start with billing on.
CREATE TABLE ledger_currency (
    name      TEXT NOT NULL PRIMARY KEY CHECK (name = 'this'),
    currency  TEXT NOT NULL,
    set_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE prices (
    version        BIGINT NOT NULL PRIMARY KEY,
    in_force_from  TIMESTAMPTZ NOT NULL,
    prices         TEXT NOT NULL,
    set_by         TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL
);

CREATE TABLE dollar_rates (
    version        BIGINT NOT NULL PRIMARY KEY,
    in_force_from  TIMESTAMPTZ NOT NULL,
    rate           BIGINT NOT NULL CHECK (rate > 0),
    set_by         TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL
);

CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: what the ledger says stays', TG_NAME USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;

-- An entry is the next one of its workspace, says what there is after it, and changes the balance so.
CREATE FUNCTION ledger_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_balances b
       SET seq = NEW.seq, trial = NEW.trial_after, bonus = NEW.bonus_after, paid = NEW.paid_after,
           held = NEW.held_after, held_answers = NEW.held_answers_after, changed_at = NEW.created_at
     WHERE b.workspace_id = NEW.workspace_id AND NEW.seq = b.seq + 1 AND NEW.created_at >= b.changed_at
       AND NEW.trial_after = b.trial + CASE WHEN NEW.target = 'trial' THEN NEW.answers WHEN NEW.source = 'trial' THEN -NEW.answers ELSE 0 END
       AND NEW.bonus_after = b.bonus + CASE WHEN NEW.target = 'bonus' THEN NEW.amount WHEN NEW.source = 'bonus' THEN -NEW.amount ELSE 0 END
       AND NEW.paid_after = b.paid + CASE WHEN NEW.target = 'paid' THEN NEW.amount WHEN NEW.source = 'paid' THEN -NEW.amount ELSE 0 END
       AND NEW.held_after = b.held + CASE WHEN NEW.target = 'held' THEN NEW.amount WHEN NEW.source = 'held' THEN -NEW.amount ELSE 0 END
       AND NEW.held_answers_after = b.held_answers + CASE WHEN NEW.target = 'held' THEN NEW.answers WHEN NEW.source = 'held' THEN -NEW.answers ELSE 0 END;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%: the entry does not follow', TG_NAME USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entries_follow BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_count();

-- A balance begins with nothing, and then is what its newest entry says.
CREATE TRIGGER ledger_balances_begin BEFORE INSERT ON ledger_balances FOR EACH ROW
    WHEN (NEW.seq <> 0 OR NEW.trial <> 0 OR NEW.bonus <> 0 OR NEW.paid <> 0 OR NEW.held <> 0 OR NEW.held_answers <> 0)
    EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_balances_follow BEFORE UPDATE ON ledger_balances FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_balances_stay BEFORE DELETE ON ledger_balances FOR EACH ROW EXECUTE FUNCTION ledger_refuse();

CREATE TRIGGER ledger_entries_stay BEFORE DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entries_last BEFORE UPDATE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER prices_stay BEFORE DELETE ON prices FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER prices_last BEFORE UPDATE ON prices FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER dollar_rates_stay BEFORE DELETE ON dollar_rates FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER dollar_rates_last BEFORE UPDATE ON dollar_rates FOR EACH ROW EXECUTE FUNCTION ledger_refuse();

-- Of a credit only what is left changes.
CREATE TRIGGER ledger_credits_stay BEFORE DELETE ON ledger_credits FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_credits_last BEFORE UPDATE OF workspace_id, id, source, source_id, amount, created_at ON ledger_credits
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();

-- Seals only go on.
CREATE TRIGGER ledger_seals_stay BEFORE DELETE ON ledger_seals FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_seals_last BEFORE UPDATE ON ledger_seals FOR EACH ROW
    WHEN (NEW.workspace_id <> OLD.workspace_id OR NEW.seq <= OLD.seq) EXECUTE FUNCTION ledger_refuse();

-- Emptying a table at once fires no trigger of its rows.
CREATE TRIGGER ledger_balances_whole BEFORE TRUNCATE ON ledger_balances FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entries_whole BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_credits_whole BEFORE TRUNCATE ON ledger_credits FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_seals_whole BEFORE TRUNCATE ON ledger_seals FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER prices_whole BEFORE TRUNCATE ON prices FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER dollar_rates_whole BEFORE TRUNCATE ON dollar_rates FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
