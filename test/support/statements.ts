/** Counts statements: give `onStatement` to `createContext`, then measure one piece of work. */
export interface StatementLog {
  readonly onStatement: (text: string) => void;
  /** Statements that the work sends, without those that begin and end transactions. */
  count<Result>(work: () => Promise<Result>): Promise<{ statements: string[]; result: Result }>;
}

const BOUNDARY =
  /^\s*(begin|commit|rollback|start transaction|savepoint|release|select pg_notify)/i;

export function countStatements(): StatementLog {
  let seen: string[] = [];
  return {
    onStatement: (text) => {
      if (!BOUNDARY.test(text)) seen.push(text);
    },
    async count(work) {
      const statements: string[] = [];
      seen = statements;
      const result = await work();
      seen = [];
      return { statements, result };
    },
  };
}
