-- Keys: log, head. Arguments: position that is to be the first, the place that must be there, positions
-- to go over at most. Answers the position below which there is nothing now, as a string; an empty one
-- where the condition doesn't hold.
if not redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1] then return '' end
local low = tonumber(redis.call('HGET', KEYS[2], 'low') or '1')
local to = math.min(tonumber(ARGV[1]), low + tonumber(ARGV[3]))
if to <= low then return string.format('%.0f', low) end
redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f-0', to))
redis.call('HSET', KEYS[2], 'low', string.format('%.0f', to))
return string.format('%.0f', to)
