/**
 * Begins the text of a statement that a connection prepares once and then knows: for hot statements
 * within transactions. Its plan may be made while a table is empty and serve when it is large, so
 * that each row has to be looked up by itself (`cross join lateral … offset 0`), never by a join.
 */
export const PREPARE = "/* prepare */";
