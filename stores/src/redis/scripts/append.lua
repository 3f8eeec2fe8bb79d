-- Keys: log, head. Arguments: the place that the log must end with, the record's place, its bytes.
-- Answers 1 where the record is added, 0 where it stood there, and else the place that the log ends with.
local tail = redis.call('HGET', KEYS[2], 'tail')
if not tail then return redis.error_reply('GONE this log is gone') end
if tail == ARGV[1] then
  redis.call('XADD', KEYS[1], ARGV[2], 'd', ARGV[3])
  redis.call('HSET', KEYS[2], 'tail', ARGV[2])
  return 1
end
local there = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if there[1] and there[1][2][2] == ARGV[3] then return 0 end
return tail
