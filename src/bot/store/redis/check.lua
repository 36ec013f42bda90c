-- Says what a lease is.
--
-- ARGV: the epoch of the lease.
--
-- Returns "held", "overtaken", "aborted", "gone", or "newer".
local epoch = ARGV[6]

local c = load(call)
if too_new(c) then
  return {'newer'}
end
if c and c.e == epoch and c.o ~= '' then
  return {'held'}
end
if redis.call('ZSCORE', aside, epoch) then
  local z = load(key_aside(epoch))
  if z and z.o ~= '' then
    return {'held'}
  end
end
if not c then
  return {'gone'}
end
if c.b == epoch then
  return {'aborted'}
end
return {'overtaken'}
