import { type Kysely, sql } from "kysely";

/**
 * Expand step: the functions of the task queue, each one round trip (data-model §8).
 *
 * Rows and locks are always taken in one order: advisory locks by key, waiting rows by key, queue
 * rows by number, task rows. A function has several statements because a statement that waits for a
 * lock goes on with the snapshot from before the wait.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const ddl of [parking, dispatch, grant, release, finish, claim, cancel]) {
    await sql.raw(ddl).execute(db);
  }
}

/** Statistics of a queue are always stale, so plans are fixed instead of guessed. */
const plans = `
  set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan`;

/** A task that no process of this release can run counts one more thing that it waits for. */
const parking = `
alter table task_queue add column parked boolean not null default false;
create index task_parked on task_queue (seq) where parked;

create function task_park(p_seq bigint, p_owner uuid) returns boolean language plpgsql ${plans} as $$
declare v_task uuid;
begin
  update task_queue set owner = null, parked = true, pending = pending + 1
    where seq = p_seq and owner = p_owner returning task into v_task;
  if not found then return false; end if;
  update task set state = 'waiting', started_at = null, unblocked_at = null
    where id = v_task and state = 'running';
  return true;
end $$;

create function task_unpark(p_seqs bigint[], p_release int) returns int language plpgsql ${plans} as $$
declare v_ready uuid[];
begin
  perform from task_queue where seq = any(p_seqs) and parked order by seq for no key update;
  with u as (
    update task_queue set parked = false, pending = pending - 1, release = p_release
    where seq = any(p_seqs) and parked returning task, pending)
  select array_agg(task) into v_ready from u where pending = 0;
  update task set unblocked_at = clock_timestamp() where id = any(v_ready);
  return coalesce(cardinality(v_ready), 0);
end $$;
`;

/**
 * With an owner, a task that is free starts at once; one that is busy waits for a worker, or is
 * canceled when it may not wait.
 */
const dispatch = `
create function task_dispatch(
  p_id uuid, p_domain int, p_name text, p_keys bigint[], p_excl boolean[], p_resources text[],
  p_arguments text, p_versions jsonb, p_parked boolean, p_release int,
  p_immediate boolean, p_deferred boolean, p_owner uuid,
  p_cid text, p_profile_options text[], p_user int, p_parent uuid, p_group uuid,
  p_busy jsonb,
  out o_seq bigint, out o_state text, out o_ready boolean
) language plpgsql ${plans} as $$
declare v_blocked boolean[]; v_pending int; v_now timestamptz;
begin
  perform case when e then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
    from unnest(p_keys, p_excl) as u (k, e);
  o_seq := nextval('task_seq');
  v_now := clock_timestamp();
  v_blocked := array(
    select exists (select from task_held h where h.key = k and h.excl)
      or (e and exists (select from task_held h where h.key = k and not h.excl))
      or exists (select from task_wait w where w.key = k)
    from unnest(p_keys, p_excl) as u (k, e));
  v_pending := cardinality(array_positions(v_blocked, true)) + p_parked::int;
  o_ready := v_pending = 0;
  o_state := case when p_owner is null then 'waiting' when o_ready then 'running'
    when p_deferred then 'waiting' else 'canceled' end;
  if o_state <> 'canceled' then
    if true = any(v_blocked) then
      insert into task_wait (key, seq, excl)
        select k, o_seq, e from unnest(p_keys, p_excl, v_blocked) as u (k, e, b) where b;
    end if;
    insert into task_held (key, excl, seq)
      select k, e, o_seq from unnest(p_keys, p_excl, v_blocked) as u (k, e, b) where not b;
    insert into task_queue
      (seq, task, domain, immediate, pending, parked, tag, release, owner, keys, excl)
      values (o_seq, p_id, p_domain, p_immediate, v_pending, p_parked, o_seq, p_release,
        case when o_ready then p_owner end, p_keys, p_excl);
  end if;
  insert into task
    (id, seq, domain, state, name, immediate, deferred, cid, resources, arguments, versions,
     profile_options, user_id, parent, task_group, error, created, updated,
     unblocked_at, started_at, finished_at)
    values (p_id, o_seq, p_domain, o_state, p_name, p_immediate, p_deferred, p_cid, p_resources,
      p_arguments, p_versions, p_profile_options, p_user, p_parent, p_group,
      case when o_state = 'canceled' then p_busy end, v_now, v_now,
      case when o_ready then v_now end, case when o_state = 'running' then v_now end,
      case when o_state = 'canceled' then v_now end);
end $$;
`;

/**
 * Hands a name to its first waiters, if it is free for them. A name that is held exclusively stays
 * as it is, since its holder would need the advisory lock that we have. Whoever has that lock alone
 * is undisturbed; readers that leave together can both want the row of the first writer, so they
 * lock it and look again.
 */
const grant = `
create function task_grant(p_key bigint, p_alone boolean) returns bigint[]
language plpgsql ${plans} as $$
declare v_first record; v_seqs bigint[];
begin
  loop
    select w.seq, w.excl,
        exists (select from task_held h where h.key = p_key and h.excl) as written,
        w.excl and exists (select from task_held h where h.key = p_key and not h.excl) as read
      into v_first from task_wait w where w.key = p_key order by w.seq limit 1;
    if not found or v_first.written then return '{}'; end if;
    exit when not v_first.excl;
    if p_alone then
      if v_first.read then return '{}'; end if;
      exit;
    end if;
    perform from task_wait where key = p_key and seq = v_first.seq for update;
    if found then
      if exists (select from task_held h where h.key = p_key and not h.excl) then return '{}'; end if;
      exit;
    end if;
  end loop;
  if v_first.excl then
    v_seqs := array[v_first.seq];
  else
    v_seqs := array(
      select w.seq from task_wait w where w.key = p_key and w.seq < coalesce(
        (select z.seq from task_wait z where z.key = p_key and z.excl order by z.seq limit 1),
        9223372036854775807)
      order by 1);
  end if;
  with moved as (delete from task_wait where key = p_key and seq = any(v_seqs) returning *)
    insert into task_held (key, excl, seq) select key, excl, seq from moved;
  return v_seqs;
end $$;
`;

/**
 * Gives up every name of a task that left the queue; returns how many tasks became ready. Only a
 * task that was cancelled while it waited has waiting rows of its own.
 */
const release = `
create function task_release(p_seq bigint, p_keys bigint[], p_excl boolean[], p_waited boolean)
returns int language plpgsql ${plans} as $$
declare v_wanted record; v_granted bigint[] := '{}'; v_ready uuid[];
begin
  delete from task_held h using unnest(p_keys, p_excl) as u (k, e)
    where h.key = u.k and h.excl = u.e and h.seq = p_seq;
  for v_wanted in
    select k, e from unnest(p_keys, p_excl) as u (k, e)
    where exists (select from task_wait w where w.key = k) order by k
  loop
    if p_waited then delete from task_wait where key = v_wanted.k and seq = p_seq; end if;
    v_granted := v_granted || task_grant(v_wanted.k, v_wanted.e);
  end loop;
  if cardinality(v_granted) = 0 then return 0; end if;
  if cardinality(v_granted) > 1 then
    perform from task_queue where seq = any(v_granted) order by seq for no key update;
  end if;
  with grants as (select s, count(*)::int as n from unnest(v_granted) as u (s) group by s),
    u as (
      update task_queue q
      set pending = pending - (select n from grants where s = q.seq)
      where q.seq = any(v_granted) returning q.task, q.pending)
  select array_agg(task) into v_ready from u where pending = 0;
  if v_ready is null then return 0; end if;
  update task set unblocked_at = clock_timestamp() where id = any(v_ready);
  return cardinality(v_ready);
end $$;
`;

/**
 * The owner in the delete is the guard: whoever lost the task changes nothing and gets null.
 * An error with a reason (a dead worker, a shutdown) stands; every other end of a task that is
 * being canceled is `canceled`.
 */
const finish = `
create function task_finish(
  p_seq bigint, p_owner uuid, p_state text, p_error jsonb, p_result jsonb,
  out o_state text, out o_unblocked int
) language plpgsql ${plans} as $$
declare v record;
begin
  select task, keys, excl into v from task_queue where seq = p_seq and owner = p_owner;
  if not found then return; end if;
  perform case when e then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
    from unnest(v.keys, v.excl) as u (k, e);
  delete from task_queue where seq = p_seq and owner = p_owner;
  if not found then return; end if;
  update task set
    state = case when state = 'canceling' and not coalesce(p_error ? 'reason', false)
      then 'canceled' else p_state end,
    error = case when state = 'canceling' and not coalesce(p_error ? 'reason', false)
      then error else p_error end,
    result = case when state = 'running' and p_state = 'completed' then p_result end,
    updated = clock_timestamp(), finished_at = clock_timestamp()
    where id = v.task returning state into o_state;
  update task_progress set state = o_state where task = v.task and state = 'running';
  o_unblocked := task_release(p_seq, v.keys, v.excl, false);
end $$;
`;

/**
 * A slot runs one task at a time, so a row that it owns already is one whose claim it never heard
 * of: that one is returned again.
 */
const claim = `
create type claimed_task as (
  id uuid, seq bigint, name text, state text, immediate boolean, deferred boolean, cid text,
  arguments text, versions jsonb, profile_options text[], task_group uuid,
  domain_num int, domain_id uuid, domain_name text,
  user_id int, username text, is_superuser boolean, is_active boolean);

create function task_claim(p_owner uuid, p_release int) returns setof claimed_task
language plpgsql ${plans} as $$
declare v_task uuid;
begin
  select q.task into v_task from task_queue q where q.owner = p_owner limit 1;
  if not found then
    update task_queue set owner = p_owner where seq = (
      select q.seq from task_queue q
      where q.pending = 0 and q.owner is null and q.release <= p_release
        and exists (select from app_process p where p.id = p_owner)
      order by q.immediate desc, q.tag, q.seq limit 1 for no key update skip locked)
      returning task into v_task;
    if not found then return; end if;
    update task set state = 'running', started_at = clock_timestamp(), updated = clock_timestamp()
      where id = v_task and state = 'waiting';
  end if;
  return query
    select t.id, t.seq, t.name, t.state, t.immediate, t.deferred, t.cid, t.arguments, t.versions,
      t.profile_options, t.task_group, d.num, d.id, d.name,
      u.id, u.username, u.is_superuser, u.is_active
    from task t join domain d on d.num = t.domain left join app_user u on u.id = t.user_id
    where t.id = v_task;
end $$;

create function task_finish_claim(
  p_seq bigint, p_owner uuid, p_state text, p_error jsonb, p_result jsonb, p_release int
) returns table (final_state text, unblocked int, claimed claimed_task) language plpgsql ${plans} as $$
begin
  select f.o_state, f.o_unblocked into final_state, unblocked
    from task_finish(p_seq, p_owner, p_state, p_error, p_result) f;
  select c.* into claimed from task_claim(p_owner, p_release) c;
  return next;
end $$;
`;

/** A waiting task ends here and now; the owner of a running one is left to end it. */
const cancel = `
create function task_cancel(
  p_task uuid, p_reason jsonb, out o_state text, out o_changed boolean, out o_unblocked int
) language plpgsql ${plans} as $$
declare v record;
begin
  o_changed := false;
  o_unblocked := 0;
  select seq, owner, keys, excl into v from task_queue where task = p_task;
  if found and v.owner is null then
    perform case when e then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
      from unnest(v.keys, v.excl) as u (k, e);
    delete from task_queue where seq = v.seq and owner is null;
    if found then
      update task set state = 'canceled', error = p_reason,
        updated = clock_timestamp(), finished_at = clock_timestamp() where id = p_task;
      o_state := 'canceled';
      o_changed := true;
      o_unblocked := task_release(v.seq, v.keys, v.excl, true);
      return;
    end if;
  end if;
  update task set state = 'canceling', error = coalesce(error, p_reason), updated = clock_timestamp()
    where id = p_task and state in ('waiting', 'running', 'canceling') returning state into o_state;
  o_changed := found;
  if not found then select state into o_state from task where id = p_task; end if;
end $$;
`;
