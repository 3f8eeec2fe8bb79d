-- Keys: nodes, wishes. Arguments: a wish; what is wished for, or nothing where it is taken back; the node that it
-- is about, if any. A wish about a node that isn't there isn't kept.
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
elseif redis.call('HGET', KEYS[1], ARGV[3]) then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
return 1
