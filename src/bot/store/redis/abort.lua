-- Aborts a turn.
--
-- ARGV: the turn, the note, and a nonce of this note.
--
-- Returns "done" and how many notes were dropped; "gone"; or "newer".
local turn, note, nonce = ARGV[6], ARGV[7], ARGV[8]

local c = load(call)
if too_new(c) then
  return {'newer'}
end
if not c then
  return {'gone'}
end
local dropped = add_note(c, notes, note, nonce)
answer(c, turn)
if turn_of(c) == turn then
  stop(c, 'aborted')
  if not is_held(c) then
    put(c, 'e', text(math.max(c.epoch + 1, now)))
    put(c, 'o', '')
    put(c, 'u', '')
    free(c)
  end
end
save(c)
return {'done', dropped}
