DROP TABLE operator_states;
DROP TABLE operators;
