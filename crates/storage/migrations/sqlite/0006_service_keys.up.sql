-- A key follows its maker, unless an owner gave it to the workspace. Keys made before follow their makers.
ALTER TABLE api_keys ADD COLUMN service INTEGER NOT NULL DEFAULT 0 CHECK (service IN (0, 1));
