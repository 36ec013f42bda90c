-- Holds a lease, or releases its hold.
--
-- ARGV: the epoch of the lease, the number of this operation, and for how many ms to hold, or -1.
--
-- Returns "done", "fenced", "gone", or "newer".
local epoch, number, hold = ARGV[6], ARGV[7], tonumber(ARGV[8])

local c, why = leased(epoch)
if not c then
  return {why}
end
-- What comes late must not hold what was released since.
if is_done(c.xh, epoch, number) then
  return {'done'}
end
touch(c)
put(c, 'xh', epoch .. ' ' .. number)
if hold < 0 then
  put(c, 'u', '')
else
  put(c, 'u', text(now + hold * 1000))
end
-- Also if the hold only became shorter: who waits asks again.
free(c)
save(c)
return {'done'}
