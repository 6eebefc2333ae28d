-- Whoever looks for work leaves out the few workspaces that are suspended.
CREATE INDEX workspaces_suspended ON workspaces (id) WHERE suspended_at IS NOT NULL;
