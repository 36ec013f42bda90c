-- The index of the calls of one platform, in which those are found that have ended or become idle.
--
-- It is kept lazily, since a call is used much more often than it is idle: a time in it may be too early,
-- never too late. Who claims a call asks the call itself, and corrects the time. The index has a hash
-- tag of its own, so a call and its entry change one after the other; always in the order in which an end
-- between the two loses nothing.
--
-- KEYS: the calls, by when they were last used; the ended ones, by when they are due.
-- ARGV: the operation, the lifetime of the index in ms, and what each operation takes.
local idle, ended = KEYS[1], KEYS[2]
local operation, ttl = ARGV[1], ARGV[2]

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function text(number)
  return string.format('%.0f', number)
end

-- Enters a new call, with the epoch of its opening. That is the time of the opening, which this may come
-- after by seconds, or a later time. The entry of a former call with the same key is replaced, so that a claim
-- which found that one gone does not remove the new one.
if operation == 'enter' then
  redis.call('ZADD', idle, text(math.min(now, tonumber(ARGV[4]))), ARGV[3])
  redis.call('PEXPIRE', idle, ttl)
  return {}
end

-- Enters a call that is about to end, or may be claimed earlier than was entered.
if operation == 'end' then
  local due = now + tonumber(ARGV[4]) * 1000
  local known = redis.call('ZSCORE', ended, ARGV[3])
  if not known or tonumber(known) > due then
    redis.call('ZADD', ended, text(due), ARGV[3])
  end
  redis.call('PEXPIRE', ended, ttl)
  return {}
end

-- Returns calls that may have become idle, or that may be due, each with its time.
if operation == 'due' then
  local key, before = ended, now
  if ARGV[3] == 'idle' then
    key, before = idle, now - tonumber(ARGV[4]) * 1000
  end
  return redis.call('ZRANGEBYSCORE', key, '-inf', text(before), 'WITHSCORES', 'LIMIT', ARGV[5], ARGV[6])
end

-- Corrects an entry, unless it was changed since: to a later time, or it goes.
if operation == 'correct' then
  local key = ended
  if ARGV[3] == 'idle' then
    key = idle
  end
  local known = redis.call('ZSCORE', key, ARGV[4])
  if known and tonumber(known) == tonumber(ARGV[5]) then
    if ARGV[6] == '' then
      redis.call('ZREM', key, ARGV[4])
    else
      redis.call('ZADD', key, ARGV[6], ARGV[4])
      redis.call('PEXPIRE', key, ttl)
    end
  end
  return {}
end

return redis.error_reply('ERR unknown operation')
