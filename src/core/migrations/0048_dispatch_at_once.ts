import { type Kysely, sql } from "kysely";

/**
 * Expand step: tasks that arrive together go in by one statement, however many they are; starting
 * statements for each of them was most of what a dispatch cost the database.
 *
 * They are created one after the other, and when their names are theirs: `created` tells the order of
 * the queue (core-tasks-ops §4).
 *
 * Which of them waits follows from their order. On each name, by itself: one that comes after
 * somebody who wants the name alone waits, and so does one that wants it alone after anybody. Those
 * that wait now wait for everybody who held the name or waited for it before. The database is asked
 * with limits, since it would read the whole queue into a hash table to answer plain `exists`.
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
begin
  perform case when e then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
    from unnest(p_lock_keys, p_lock_excl) as u (k, e);
  return query
  with arrived as materialized (
    select nextval('task_seq') as seq, clock_timestamp() as created, u.*, u.keys::bigint[] as names, u.excl::boolean[] as alone
    from unnest(p_id, p_domain, p_name, p_keys, p_excl, p_resources, p_arguments, p_versions,
      p_parked, p_release, p_immediate, p_deferred, p_cid, p_profile_options, p_user, p_parent,
      p_group) as u (id, domain, name, keys, excl, resources, arguments, versions,
      parked, release, immediate, deferred, cid, profile_options, user_id, parent, task_group)
  ), wanted as (
    select a.seq, k, e, row_number() over (partition by k order by a.seq) > 1 as is_later,
      bool_or(e) over (partition by k order by a.seq
        rows between unbounded preceding and 1 preceding) is true as is_after_writer
    from arrived a, unnest(a.names, a.alone) as u (k, e)
  ), judged as materialized (
    select w.seq, w.k, w.e,
      w.is_after_writer or (w.e and w.is_later)
      or (select true from task_held h where h.key = w.k and h.excl limit 1) is true
      or (w.e and (select true from task_held h where h.key = w.k and not h.excl limit 1) is true)
      or (select true from task_wait b where b.key = w.k limit 1) is true as is_blocked
    from wanted w
  ), waiting as (
    insert into task_wait (key, seq, excl) select k, seq, e from judged where is_blocked
  ), holding as (
    insert into task_held (key, excl, seq) select k, e, seq from judged where not is_blocked
  ), entered as materialized (
    select a.*, a.parked::int + (
      select count(*)::int from judged j where j.seq = a.seq and j.is_blocked) as pending
    from arrived a
  ), queued as (
    insert into task_queue
      (seq, task, domain, immediate, pending, parked, tag, release, owner, keys, excl)
    select n.seq, n.id, n.domain, n.immediate, n.pending, n.parked, n.seq, n.release, null,
      n.names, n.alone from entered n
  ), told as (
    insert into task
      (id, seq, domain, state, name, immediate, deferred, cid, resources, arguments, versions,
       profile_options, user_id, parent, task_group, created, updated, unblocked_at)
    select n.id, n.seq, n.domain, 'waiting', n.name, n.immediate, n.deferred, n.cid,
      n.resources::text[], n.arguments, n.versions::jsonb, n.profile_options::text[], n.user_id,
      n.parent, n.task_group, n.created, n.created, case when n.pending = 0 then n.created end
    from entered n
  )
  select n.seq, 'waiting', n.pending = 0 from entered n order by n.seq;
end $$;
`;
