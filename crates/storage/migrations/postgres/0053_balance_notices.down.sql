DROP TABLE balance_notices;
