-- A key follows its maker, unless an owner gave it to the workspace. Keys made before follow their makers.
ALTER TABLE api_keys ADD COLUMN service BOOLEAN NOT NULL DEFAULT FALSE;
