-- Keys: head. A log begins with its head, which is made once: see docs/stores.md.
return redis.call('HSETNX', KEYS[1], 'tail', '0-0')
