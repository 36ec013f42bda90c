-- Claims a call that is idle, or the records of a call that were set aside and are due.
--
-- ARGV: "idle" or "ended", a nonce of this claim, the idle time in ms, after how many ms to be told again, the
-- newest version of a memory, and the maximum number of records.
--
-- Returns when the call has to be looked at again, or empty if never; "1" if something newer than the
-- caller can read was left; and for each record that was claimed its epoch, and how long ago its turn was
-- told to stop.
local kind, nonce, idle, again = ARGV[6], ARGV[7], tonumber(ARGV[8]) * 1000, tonumber(ARGV[9]) * 1000
local version, most = tonumber(ARGV[10]), tonumber(ARGV[11])

local function is_newer(c)
  return too_new(c) or (tonumber(c.mv) or 0) > version
end

if kind == 'idle' then
  local c = load(call)
  if not c then
    return {'', '0'}
  end
  if is_newer(c) then
    return {'', '1'}
  end
  -- A turn that has been idle for twice as long belongs to a process that has died or hangs.
  local from = tonumber(c.t)
  if c.o ~= '' then
    from = from + idle
  end
  if from + idle > now then
    return {text(from), '0'}
  end
  if turn_of(c) then
    stop(c, 'ended')
  end
  local epoch = set_aside(c, now + again, nonce, nil)
  return {'', '0', epoch, unsettled(c)}
end

local answered = {'', '0'}
for _, due in ipairs(redis.call('ZRANGEBYSCORE', aside, '-inf', text(now), 'LIMIT', 0, 64)) do
  local from = key_aside(due)
  local c = load(from)
  if not c then
    redis.call('ZREM', aside, due)
  elseif is_newer(c) then
    answered[2] = '1'
  elseif #answered < 2 + 2 * most then
    local last = tonumber(due)
    for _, other in ipairs(redis.call('ZRANGE', aside, 0, -1)) do
      last = math.max(last, tonumber(other))
    end
    local epoch = text(math.max(last + 1, now))
    put(c, 'e', epoch)
    put(c, 'o', '-')
    put(c, 'i', me)
    put(c, 'n', nonce)
    save(c)
    local to = key_aside(epoch)
    redis.call('RENAME', from, to)
    for _, part in ipairs({':h', ':n'}) do
      if redis.call('EXISTS', from .. part) == 1 then
        redis.call('RENAME', from .. part, to .. part)
        redis.call('PEXPIRE', to .. part, ttl)
      end
    end
    redis.call('ZREM', aside, due)
    redis.call('ZADD', aside, text(now + again), epoch)
    redis.call('PEXPIRE', aside, ttl)
    answered[#answered + 1] = epoch
    answered[#answered + 1] = unsettled(c)
  end
end
local next_due = redis.call('ZRANGE', aside, 0, 0, 'WITHSCORES')[2]
if next_due then
  answered[1] = text(tonumber(next_due))
end
return answered
