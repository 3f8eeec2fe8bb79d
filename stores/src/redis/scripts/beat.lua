-- Keys: nodes, owners, wishes. Arguments: how long a node is remembered, ms; a node; what it says of itself; then
-- each shard that it runs and its epoch. Without a node it only looks. Answers the time, ms, all nodes with
-- the time of their last sign of life before what they say, all shards with epoch and node, and all wishes.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local node = ARGV[2]
if node then
  redis.call('HSET', KEYS[1], node, string.format('%.0f ', now) .. ARGV[3])
  local mine = {}
  for at = 4, #ARGV, 2 do
    mine[ARGV[at]] = true
    local found = redis.call('HGET', KEYS[2], ARGV[at])
    local epoch = found and tonumber(string.match(found, '^%d+')) or -1
    if epoch < tonumber(ARGV[at + 1]) then
      redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1] .. ' ' .. node)
    end
  end
  local owners = redis.call('HGETALL', KEYS[2])
  for at = 1, #owners, 2 do
    local epoch, owner = string.match(owners[at + 1], '^(%d+) (.*)$')
    if owner == node and not mine[owners[at]] then
      redis.call('HSET', KEYS[2], owners[at], epoch .. ' ')
    end
  end
  local nodes = redis.call('HGETALL', KEYS[1])
  for at = 1, #nodes, 2 do
    local seen = tonumber(string.match(nodes[at + 1], '^%d+')) or 0
    if now - seen > tonumber(ARGV[1]) then redis.call('HDEL', KEYS[1], nodes[at]) end
  end
  local wishes = redis.call('HGETALL', KEYS[3])
  for at = 1, #wishes, 2 do
    local about = string.match(wishes[at], '^drained (.*)$') or wishes[at + 1]
    if not redis.call('HGET', KEYS[1], about) then redis.call('HDEL', KEYS[3], wishes[at]) end
  end
end
return {
  string.format('%.0f', now), redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3])
}
