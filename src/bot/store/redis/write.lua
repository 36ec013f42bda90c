-- Writes to a call.
--
-- ARGV: the epoch of the lease, the number of this write, what happens to the lease ("keep", "close" or
-- "again"), how many notes were read, the version of the memory or empty, the memory, "1" if there is a state,
-- and the state. Then, for each change of the history, the turn and its value, which is empty to remove it.
--
-- Returns "done"; "due", the same for a record that may be claimed now; "fenced", "gone" or "newer".
local epoch, number, after, read = ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])
local version, memory, has_state, state = ARGV[10], ARGV[11], ARGV[12], ARGV[13]

local c, why, turns, list = leased(epoch)
if not c then
  -- The answer of a write that ended the lease was lost, and the write repeated.
  local former = turns
  if former and is_done(former.x, epoch, number) then
    return {'done'}
  end
  return {why}
end
if is_done(c.x, epoch, number) then
  return {'done'}
end
touch(c)
put(c, 'x', epoch .. ' ' .. number)
if version ~= '' then
  put(c, 'mv', version)
  put(c, 'm', memory)
end
if has_state == '1' then
  put(c, 's', state)
end
-- Notes that were dropped since the owner got them are among those that it has read.
local lost = math.min(read, tonumber(c.l) or 0)
if lost > 0 then
  put(c, 'l', text(tonumber(c.l) - lost))
end
local size = tonumber(c.z) or 0
for _ = 1, read - lost do
  local note = redis.call('LPOP', list)
  if not note then
    break
  end
  size = size - #note
end
if read > lost then
  put(c, 'z', text(size))
end
for i = 14, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', turns, ARGV[i])
  else
    redis.call('HSET', turns, ARGV[i], ARGV[i + 1])
  end
end
if #ARGV >= 14 then
  redis.call('PEXPIRE', turns, ttl)
end
if after ~= 'keep' then
  close(c, after == 'close')
  if after == 'again' and c.key ~= call then
    redis.call('ZADD', aside, text(now), epoch)
    save(c)
    return {'due'}
  end
end
save(c)
return {'done'}
