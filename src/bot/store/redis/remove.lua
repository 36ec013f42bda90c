-- Removes a record that was set aside.
--
-- ARGV: the epoch of the lease.
--
-- Returns "done". Its entry in the index stays until the next claim finds nothing there.
local there = key_aside(ARGV[6])
if redis.call('ZREM', aside, ARGV[6]) == 1 then
  redis.call('DEL', there, there .. ':h', there .. ':n')
end
return {'done'}
