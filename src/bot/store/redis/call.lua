-- What every script about a call begins with.
--
-- KEYS: the hash of the call, the hash of its history, the list of its notes, the sorted set of the epochs
-- of its records that were set aside, and the string that tells when it last ended. They have one hash tag,
-- so a cluster keeps them together. The keys of a record that was set aside are made here, from the first
-- one and the epoch, since the caller can't know that epoch.
--
-- ARGV: the format that the caller writes, the lifetime in ms, the beginning of channels, the channel of the
-- caller's process, and the key of the call in messages. ARGV[6] and the following are those of each script.
--
-- Fields of the hash:
--   v   the format of all this
--   e   the epoch of the newest lease
--   o   the owner of that lease: "-" between turns, "t" and the id for a turn; empty when the lease has ended
--   i   the channel of the process that has the lease
--   u   when the hold ends, or empty
--   t   when the call was last used
--   a   the turns that were answered or aborted last, the oldest first, each between line feeds
--   b   the epoch of the newest lease when it was given; an abort raises e only
--   w   the channels of the processes that wait for the lease, each followed by a line feed
--   q   the epoch of the turn that was told to stop and has not left, or empty; qt: when it was told
--   n   the nonce of the opening that gave the lease
--   x   the epoch and the number of the last write; xh: of the last hold
--   y   the nonces of the last notes, each between line feeds
--   l   how many notes that the owner got were dropped since
--   z   the size of all notes
--   k   set when the second opening has put the call into the index
--   m   the memory; mv: its version; s: the state
--   why why the call ended, if it did not just become idle
-- Times are in microseconds since 1970, by the clock of Redis.
local call, history, notes, aside, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local format, ttl, channels, me, name = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- The default notation has 14 digits, which is less than a time has.
local function text(number)
  return string.format('%.0f', number)
end

local NAMES = {'v', 'e', 'o', 'i', 'u', 'a', 'b', 'w', 'q', 'qt', 'n', 'x', 'xh', 'y', 'l', 'z', 'k', 't', 'mv'}

-- Returns the fields of a call, or nil if there is none.
local function load(key)
  local values = redis.call('HMGET', key, unpack(NAMES))
  if not values[2] then
    return nil
  end
  local fields = {key = key, changes = {}}
  for i, field in ipairs(NAMES) do
    fields[field] = values[i] or ''
  end
  fields.epoch = tonumber(fields.e)
  return fields
end

local function put(c, field, value)
  c[field] = value
  c.changes[#c.changes + 1] = field
  c.changes[#c.changes + 1] = value
end

local function touch(c)
  put(c, 't', text(now))
end

local function save(c)
  if #c.changes > 0 then
    redis.call('HSET', c.key, unpack(c.changes))
    redis.call('PEXPIRE', c.key, ttl)
  end
end

local function too_new(c)
  return c and tonumber(c.v) > format
end

local function turn_of(c)
  if string.sub(c.o, 1, 1) == 't' then
    return string.sub(c.o, 2)
  end
  return nil
end

local function is_held(c)
  return c.u ~= '' and tonumber(c.u) > now
end

local function is_answered(c, turn)
  return string.find(c.a, '\n' .. turn .. '\n', 1, true) ~= nil
end

-- Remembers a turn as answered, and forgets the oldest one of more than 8.
local function answer(c, turn)
  if is_answered(c, turn) then
    return
  end
  local all = c.a
  if all == '' then
    all = '\n'
  end
  all = all .. turn .. '\n'
  local _, count = string.gsub(all, '\n', '')
  if count > 9 then
    all = string.sub(all, (string.find(all, '\n', 2, true)))
  end
  put(c, 'a', all)
end

local function tell(channel, ...)
  if channel ~= '' then
    redis.call('PUBLISH', channels .. channel, table.concat({...}, '\n'))
  end
end

-- Tells the turn that has the call to stop.
local function stop(c, reason)
  tell(c.i, 'stop', name, turn_of(c), c.e, reason)
  if c.q ~= c.e then
    put(c, 'q', c.e)
    put(c, 'qt', text(now))
  end
end

-- Tells the processes that wait for the lease that it may be had.
local function free(c)
  for channel in string.gmatch(c.w, '[^\n]+') do
    tell(channel, 'free', name)
  end
  if c.w ~= '' then
    put(c, 'w', '')
  end
end

-- Lets the caller's process wait for the lease.
local function wait(c)
  if not string.find('\n' .. c.w, '\n' .. me .. '\n', 1, true) then
    put(c, 'w', c.w .. me .. '\n')
  end
end

-- The turn with this lease has left.
local function left(c, epoch)
  if c.q == epoch then
    if c.o ~= '' and c.e ~= epoch then
      tell(c.i, 'left', name)
    end
    put(c, 'q', '')
  end
end

-- Ends the lease.
local function close(c, is_answer)
  local turn = turn_of(c)
  if turn and is_answer then
    answer(c, turn)
  end
  left(c, c.e)
  put(c, 'o', '')
  put(c, 'u', '')
  free(c)
end

-- Returns how long ago the turn that had the call before was told to stop, or -1 if it has left.
local function unsettled(c)
  if c.q == '' or c.q == c.e then
    return '-1'
  end
  return text(now - tonumber(c.qt))
end

local function key_aside(epoch)
  return call .. ':z:' .. epoch
end

-- Moves a call aside under a new lease of the caller. Returns the epoch.
local function set_aside(c, due, nonce, why)
  local epoch = text(math.max(c.epoch + 1, now))
  free(c)
  put(c, 'e', epoch)
  put(c, 'o', '-')
  put(c, 'i', me)
  put(c, 'u', '')
  put(c, 'n', nonce)
  if why then
    put(c, 'why', why)
  end
  save(c)
  local to = key_aside(epoch)
  redis.call('RENAME', call, to)
  if redis.call('EXISTS', history) == 1 then
    redis.call('RENAME', history, to .. ':h')
    redis.call('PEXPIRE', to .. ':h', ttl)
  end
  if redis.call('EXISTS', notes) == 1 then
    redis.call('RENAME', notes, to .. ':n')
    redis.call('PEXPIRE', to .. ':n', ttl)
  end
  redis.call('ZADD', aside, text(due), epoch)
  redis.call('PEXPIRE', aside, ttl)
  -- For a minute, a turn that comes late can't put back what has ended.
  redis.call('SET', ended, epoch .. ' ' .. nonce, 'PX', 60000)
  return epoch
end

-- Adds a note, unless it has been added before. Returns how many of the oldest ones had to go for it.
local function add_note(c, list, note, nonce)
  touch(c)
  local line = '\n' .. nonce .. '\n'
  local nonces = c.y
  if nonces == '' then
    nonces = '\n'
  end
  if string.find(nonces, line, 1, true) then
    return 0
  end
  nonces = nonces .. nonce .. '\n'
  local _, count = string.gsub(nonces, '\n', '')
  if count > 17 then
    nonces = string.sub(nonces, (string.find(nonces, '\n', 2, true)))
  end
  put(c, 'y', nonces)
  local length = redis.call('RPUSH', list, note)
  local size = (tonumber(c.z) or 0) + #note
  local dropped = 0
  while length > 1 and (length > 64 or size > 262144) do
    local oldest = redis.call('LPOP', list)
    size = size - #oldest
    length = length - 1
    dropped = dropped + 1
  end
  put(c, 'z', text(size))
  if dropped > 0 then
    put(c, 'l', text((tonumber(c.l) or 0) + dropped))
  end
  redis.call('PEXPIRE', list, ttl)
  return dropped
end

-- Returns whether a write with this mark, such as "123 45", was done before, or came too late: a newer
-- one of the same lease was done.
local function is_done(last, epoch, number)
  local last_epoch, last_number = string.match(last, '^(%d+) (%d+)$')
  return last_epoch == epoch and tonumber(last_number) >= tonumber(number)
end

-- Returns the call of a lease that has not ended, nil, and the keys of history and notes. If it has ended: nil,
-- why, and what is there of its call.
local function leased(epoch)
  local c = load(call)
  if too_new(c) then
    return nil, 'newer'
  end
  if c and c.e == epoch and c.o ~= '' then
    return c, nil, history, notes
  end
  local there = key_aside(epoch)
  if redis.call('ZSCORE', aside, epoch) then
    local z = load(there)
    if z and z.o ~= '' then
      return z, nil, there .. ':h', there .. ':n'
    end
    return nil, 'fenced', z
  end
  if c then
    return nil, 'fenced', c
  end
  return nil, 'gone'
end
