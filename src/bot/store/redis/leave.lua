-- Leaves a call: adds a note, and ends the lease.
--
-- ARGV: the epoch of the lease or empty, the note, a nonce of this note, and what happens to the lease.
--
-- Returns "done" and how many notes were dropped; "due", the same for a record that may be claimed
-- now; "gone"; or "newer".
local epoch, note, nonce, after = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

local c, list = load(call), notes
if too_new(c) then
  return {'newer'}
end
if epoch ~= '' and not (c and (c.e == epoch or c.q == epoch)) then
  -- The call may have ended since: then the note goes to the record that was set aside.
  for _, ending in ipairs(redis.call('ZRANGE', aside, 0, -1)) do
    local z = load(key_aside(ending))
    if z and (z.e == epoch or z.q == epoch) then
      c, list = z, key_aside(ending) .. ':n'
    end
  end
end
if not c then
  return {'gone'}
end
local dropped = add_note(c, list, note, nonce)
if c.e == epoch and c.o ~= '' then
  if after ~= 'keep' then
    close(c, after == 'close')
    if after == 'again' and c.key ~= call then
      redis.call('ZADD', aside, text(now), epoch)
      save(c)
      return {'due', dropped}
    end
  end
elseif epoch ~= '' then
  left(c, epoch)
end
save(c)
return {'done', dropped}
