-- Keys: cluster. Arguments: format, shards, two secrets. Makes it where it isn't there; answers what is
-- there, and whether all logs are begun.
if redis.call('EXISTS', KEYS[1]) == 0 and ARGV[1] then
  redis.call('HSET', KEYS[1], 'format', ARGV[1], 'shards', ARGV[2], 'receipt', ARGV[3],
    'engine', ARGV[4], 'begun', '0')
end
return redis.call('HMGET', KEYS[1], 'format', 'shards', 'receipt', 'engine', 'begun')
