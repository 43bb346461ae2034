import { type Kysely, sql } from "kysely";

/**
 * Expand step: tasks that arrive together share one commit, which is a third of what a dispatch costs.
 *
 * The names of all of them are locked first and in order, so that two such calls cannot wait for each
 * other; a name that any of them wants alone is locked alone.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create function task_dispatch_many(
  p_lock_keys bigint[], p_lock_excl boolean[],
  p_id uuid[], p_domain int[], p_name text[], p_keys text[], p_excl text[], p_resources text[],
  p_arguments text[], p_versions text[], p_parked boolean[], p_release int[],
  p_immediate boolean[], p_deferred boolean[], p_cid text[], p_profile_options text[],
  p_user int[], p_parent uuid[], p_group uuid[], p_busy text[]
) returns table (o_seq bigint, o_state text, o_ready boolean) language plpgsql as $$
declare i int;
begin
  perform case when e then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
    from unnest(p_lock_keys, p_lock_excl) as u (k, e);
  for i in 1 .. cardinality(p_id) loop
    return query select d.o_seq, d.o_state, d.o_ready from task_dispatch(
      p_id[i], p_domain[i], p_name[i], p_keys[i]::bigint[], p_excl[i]::boolean[],
      p_resources[i]::text[], p_arguments[i], p_versions[i]::jsonb, p_parked[i], p_release[i],
      p_immediate[i], p_deferred[i], null, p_cid[i], p_profile_options[i]::text[],
      p_user[i], p_parent[i], p_group[i], p_busy[i]::jsonb) d;
  end loop;
end $$;
`;
