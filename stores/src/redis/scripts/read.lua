-- Keys: log, head. Arguments: first position, bytes before the last record, records.
-- Answers places and bytes by turns.
if redis.call('EXISTS', KEYS[2]) == 0 then return redis.error_reply('GONE this log is gone') end
local found, bytes, from = {}, 0, ARGV[1] .. '-0'
while #found < 2 * ARGV[3] and (bytes == 0 or bytes < tonumber(ARGV[2])) do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 8)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    if bytes > 0 and bytes >= tonumber(ARGV[2]) then break end
    found[#found + 1], found[#found + 2] = entry[1], entry[2][2]
    bytes = bytes + #entry[2][2]
  end
  from = '(' .. page[#page][1]
end
return found
