-- Keys: log, head. Answers the last record's place and bytes; nothing where there is no record.
local tail = redis.call('HGET', KEYS[2], 'tail')
if not tail then return redis.error_reply('GONE this log is gone') end
if tail == '0-0' then return {} end
local last = redis.call('XRANGE', KEYS[1], tail, tail)
if not last[1] then return redis.error_reply('GONE the last record of this log is gone') end
return { tail, last[1][2][2] }
