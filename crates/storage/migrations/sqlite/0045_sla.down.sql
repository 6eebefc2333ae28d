DROP TABLE dialog_slas;
DROP TABLE sla_policies;
