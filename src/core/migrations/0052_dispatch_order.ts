import { type Kysely, sql } from "kysely";

/**
 * Expand step: tasks that arrive together are created one after the other, and when the names are
 * theirs. Before, all of them had the time at which the call began to wait for the names, so that
 * `created` of two tasks could tell another order than the queue's (core-tasks-ops §4).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

/** Statistics of a queue are always stale, so plans are fixed instead of guessed. */
const plans = `
  set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan`;

const ddl = `
create or replace function task_dispatch_many(
  p_lock_keys bigint[], p_lock_excl boolean[],
  p_id uuid[], p_domain int[], p_name text[], p_keys text[], p_excl text[], p_resources text[],
  p_arguments text[], p_versions text[], p_parked boolean[], p_release int[],
  p_immediate boolean[], p_deferred boolean[], p_cid text[], p_profile_options text[],
  p_user int[], p_parent uuid[], p_group uuid[]
) returns table (o_seq bigint, o_state text, o_ready boolean) language plpgsql ${plans} as $$
declare v_blocked boolean[]; v_keys bigint[]; v_excl boolean[];
  v_seq bigint[]; v_created timestamptz[]; v_pending int[]; v_ready timestamptz[];
begin
  perform case when e then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
    from unnest(p_lock_keys, p_lock_excl) as u (k, e);
  for i in 1 .. cardinality(p_id) loop
    v_keys := p_keys[i]; v_excl := p_excl[i];
    v_seq[i] := nextval('task_seq');
    v_created[i] := clock_timestamp();
    v_blocked := array(
      select exists (select from task_held h where h.key = k and h.excl)
        or (e and exists (select from task_held h where h.key = k and not h.excl))
        or exists (select from task_wait w where w.key = k)
      from unnest(v_keys, v_excl) as u (k, e));
    v_pending[i] := cardinality(array_positions(v_blocked, true)) + p_parked[i]::int;
    v_ready[i] := case when v_pending[i] = 0 then v_created[i] end;
    if true = any(v_blocked) then
      insert into task_wait (key, seq, excl)
        select k, v_seq[i], e from unnest(v_keys, v_excl, v_blocked) as u (k, e, b) where b;
    end if;
    insert into task_held (key, excl, seq)
      select k, e, v_seq[i] from unnest(v_keys, v_excl, v_blocked) as u (k, e, b) where not b;
  end loop;
  insert into task_queue
    (seq, task, domain, immediate, pending, parked, tag, release, owner, keys, excl)
    select s, t, d, m, n, q, s, r, null, k::bigint[], e::boolean[]
    from unnest(v_seq, p_id, p_domain, p_immediate, v_pending, p_parked, p_release, p_keys, p_excl)
      as u (s, t, d, m, n, q, r, k, e);
  insert into task
    (id, seq, domain, state, name, immediate, deferred, cid, resources, arguments, versions,
     profile_options, user_id, parent, task_group, created, updated, unblocked_at)
    select t, s, d, 'waiting', n, m, f, c, r::text[], a, v::jsonb, o::text[], w, p, g, z, z, y
    from unnest(p_id, v_seq, p_domain, p_name, p_immediate, p_deferred, p_cid, p_resources,
      p_arguments, p_versions, p_profile_options, p_user, p_parent, p_group, v_created, v_ready)
      as u (t, s, d, n, m, f, c, r, a, v, o, w, p, g, z, y);
  return query select s, 'waiting', n = 0 from unnest(v_seq, v_pending) as u (s, n);
end $$;
`;
