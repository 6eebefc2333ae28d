-- KEYS: the lease. ARGV: token, owner, time to live in ms. Returns whether it was still held.
if redis.call('GET', KEYS[1]) == ARGV[1] .. ' ' .. ARGV[2] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0
