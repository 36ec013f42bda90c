-- Opens a call.
--
-- ARGV: the kind of opening, a nonce of this opening, the turn, the epoch that was told, whether to overtake
-- ("1"), the state of a new call, why the call ends, and after how many ms it is to be told again.
--
-- Returns "run", the epoch, how long ago the former turn was told to stop, and "1" if the call has to be put
-- into the index; "repeated"; "held", what is left of the hold or -1, and the epoch; "busy"; or "newer".
local kind, nonce, turn, told, overtake = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local fresh, why, again = ARGV[11], ARGV[12], ARGV[13]

local c = load(call)
if too_new(c) then
  return {'newer'}
end

local function take(owner)
  local epoch = text(math.max(c.epoch + 1, now))
  put(c, 'e', epoch)
  put(c, 'b', epoch)
  put(c, 'o', owner)
  put(c, 'i', me)
  put(c, 'u', '')
  put(c, 'l', '0')
  put(c, 'n', nonce)
  touch(c)
  -- A process may die before it has put a new call into the index, so the second opening does it again.
  local index = '0'
  if c.k == '' then
    put(c, 'k', '1')
    index = '1'
  end
  save(c)
  redis.call('PEXPIRE', history, ttl)
  redis.call('PEXPIRE', notes, ttl)
  return {'run', epoch, unsettled(c), index}
end

local function create(last)
  local epoch = text(now)
  if last then
    epoch = text(math.max(now, tonumber(string.match(last, '^%d+')) + 1))
  end
  redis.call('HSET', call, 'v', format, 'e', epoch, 'b', epoch, 'o', 't' .. turn, 'i', me, 'n', nonce,
    't', text(now), 's', fresh)
  redis.call('PEXPIRE', call, ttl)
  -- What is left of a call whose hash has expired, or was deleted.
  redis.call('DEL', history, notes)
  return {'run', epoch, '-1', '1'}
end

-- The answer was lost, and the opening repeated.
if c and c.n == nonce and c.o ~= '' then
  return {'run', c.e, unsettled(c), '1'}
end

if not c then
  local last = redis.call('GET', ended)
  if kind == 'turn' or kind == 'restore' and not last then
    return create(last)
  end
  local epoch = kind == 'end' and last and string.match(last, '^(%d+) ' .. nonce .. '$')
  if epoch and redis.call('ZSCORE', aside, epoch) then
    return {'run', epoch, unsettled(load(key_aside(epoch))), '0'}
  end
  return {'busy'}
end

if kind == 'restore' then
  return {'busy'}
end
if kind == 'free' then
  if c.o ~= '' then
    return {'busy'}
  end
  return take('-')
end
if kind == 'turn' and is_answered(c, turn) then
  return {'repeated'}
end

local running = turn_of(c)
if running then
  if kind == 'turn' and overtake == '0' then
    local hold = '-1'
    if is_held(c) then
      hold = text(tonumber(c.u) - now)
    end
    wait(c)
    save(c)
    return {'held', hold, c.e}
  end
  if told ~= c.e then
    stop(c, kind == 'end' and 'ended' or 'overtaken')
  end
end
-- A lease without a turn can hold as well: the bot is told of a cut, and saves something.
if is_held(c) then
  wait(c)
  save(c)
  return {'held', text(tonumber(c.u) - now), c.e}
end
if kind == 'end' then
  local epoch = set_aside(c, now + tonumber(again) * 1000, nonce, why)
  return {'run', epoch, unsettled(c), '0'}
end
-- A late copy of an overtaken turn must not overtake the newer one.
if running and running ~= turn then
  answer(c, running)
end
free(c)
return take('t' .. turn)
