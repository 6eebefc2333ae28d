-- What is promised to the customers of an assistant, seconds of business hours, and how the
-- promises stand in dialogs that people look after.
CREATE TABLE sla_policies (
    workspace_id   UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id   UUID NOT NULL,
    first_reply_s  BIGINT,
    next_reply_s   BIGINT,
    PRIMARY KEY (workspace_id, assistant_id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);
CREATE TABLE dialog_slas (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    read_seq      BIGINT NOT NULL,
    awaited       TEXT,
    since         TIMESTAMPTZ,
    target_s      BIGINT,
    risk_at       TIMESTAMPTZ,
    due_at        TIMESTAMPTZ,
    status        TEXT,
    PRIMARY KEY (workspace_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);
CREATE INDEX dialog_slas_at_risk ON dialog_slas (risk_at) WHERE status = 'running';
CREATE INDEX dialog_slas_due ON dialog_slas (due_at) WHERE status IN ('running', 'at_risk');
CREATE INDEX dialog_slas_open ON dialog_slas (workspace_id) WHERE awaited IS NOT NULL;
