DROP INDEX workspaces_suspended;
